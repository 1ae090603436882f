"""What the URLs of stores share: a place, a prefix below it, a query, and the endpoint of a service of one's own.

Law: no message repeats credentials that were put into a URL.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError

_LARGEST_PORT = 65_535

Form = namedtuple("Form", "named example options endpoint")
Form.__doc__ = """How the URLs of one scheme are written: `named` as in a sentence (`an s3 URL`), an example of one,
the names that its query may have, and an example of an endpoint."""


def taken_apart(url: str, form: Form) -> tuple[str, dict[str, str]]:
    """The place between `://` and the query, and what the query says.

    The place is taken as it is, a `%` is a `%`; values of the query may be percent-encoded. Raises ConfigurationError
    for credentials, a fragment, and a query that is not as `form` says.
    """
    place, _, query = url.partition("://")[2].partition("?")
    if "#" in url or "@" in place.partition("/")[0]:
        raise ConfigurationError(f"{form.named} has no credentials and no fragment; it is written as {form.example}")
    return place, _options(query, form)


def is_path(path: str) -> bool:
    """Whether it is empty, or parts between slashes that no client takes out of an address."""
    return path.isprintable() and (not path or not set(path.split("/")) & {"", ".", ".."})


def checked_endpoint(url: str, form: Form) -> str:
    """`url` without a slash at its end. Raises ConfigurationError unless it is a plain http or https URL."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    if "@" in rest or "?" in rest or "#" in rest:
        raise ConfigurationError(f"the endpoint of {form.named} has no credentials, query or fragment")
    if scheme not in ("http", "https") or not is_authority(host) or not url.isprintable() or " " in url:
        raise ConfigurationError(f"wanted an endpoint such as {form.endpoint}, got {url!r}")
    return url.rstrip("/")


def is_authority(text: str) -> bool:
    """Whether it is a host, with or without a port; a host with colons stands in brackets."""
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    host = host if colon else text
    if colon and not (port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
        return False
    return bool(host) and (host.startswith("[") or ":" not in host)


def _options(query: str, form: Form) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if name not in form.options:
            said = " and ".join(form.options)
            raise ConfigurationError(f"the query of {form.named} says {said} and nothing else, got {name!r}")
        if name in found:
            raise ConfigurationError(f"the query of {form.named} says {name} once, got it twice")
        found[name] = _decoded(value)
    return found


def _decoded(value: str) -> str:
    if "%" not in value:
        return value
    from urllib.parse import unquote

    return unquote(value)
