"""What the URLs of stores share: a place, a prefix below it, a query, and the endpoint of a service of one's own.

Law: no message repeats credentials or the query of a URL; what proves who asks is kept from who listens on the way.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError

_LARGEST_PORT = 65_535
_LONGEST_LABEL = 63

Form = namedtuple("Form", "named example options endpoint")
Form.__doc__ = """How the URLs of one scheme are written: `named` as in a sentence (`an s3 URL`), an example of one,
the names that its query may have, and an example of an endpoint."""


def taken_apart(url: str, form: Form) -> tuple[str, dict[str, str]]:
    """The place between `://` and the query, and what the query says.

    The place is taken as it is, a `%` is a `%`; values of the query may be percent-encoded, and an endpoint is a
    checked one. Raises ConfigurationError for credentials, a fragment, and a query that is not as `form` says.
    """
    place, _, query = url.partition("://")[2].partition("?")
    if "#" in url or "@" in place.partition("/")[0]:
        raise ConfigurationError(f"{form.named} has no credentials and no fragment; it is written as {form.example}")
    return place, _options(query, form)


def shown_url(url: str) -> str:
    """As much of a URL, or of what was given for one, as a message may repeat: no credentials, query or fragment."""
    place, _, query = url.replace("#", "?").partition("?")
    place = place.partition("@sha256:")[0]
    if "@" not in place + query:
        return place
    scheme, mark, _ = place.partition("://")
    # With an @ behind it the `?` may be a part of a password.
    rest = "" if "@" in query else "@" + place.rpartition("@")[2]
    return f"{scheme}{mark}...{rest}" if mark and "@" not in scheme else f"...{rest}"


def is_path(path: str) -> bool:
    """Whether it is empty, or parts between slashes that no client takes out of an address."""
    return path.isprintable() and (not path or not set(path.split("/")) & {"", ".", ".."})


def checked_endpoint(url: str, form: Form) -> str:
    """`url` without a slash at its end. Raises ConfigurationError unless it is a plain http or https URL."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    if scheme not in ("http", "https") or not is_authority(host) or not url.isprintable() or set(url) & set(" @?#"):
        wanted = f"wanted an endpoint such as {form.endpoint}, with no credentials, query or fragment"
        raise ConfigurationError(f"{wanted}, got {shown_url(url)!r}")
    return url.rstrip("/")


def is_authority(text: str) -> bool:
    """Whether it is a name of the DNS in ASCII, or an address, with or without a port; one of IPv6 is in brackets."""
    host, port = _host_and_port(text)
    if not (text.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) <= _LARGEST_PORT):
        return False
    return _is_address(host[1:-1]) if host[:1] + host[-1:] == "[]" else _is_name(host)


def keeps_secrets(url: str) -> bool:
    """Whether what is said there is read by nobody on the way: by https, or within this machine."""
    scheme, _, rest = url.partition("://")
    return scheme.lower() == "https" or is_own(rest.partition("/")[0])


def is_own(authority: str) -> bool:
    """Whether a host, with or without a port, is this machine by its number or by the name of that."""
    host = _host_and_port(authority)[0].lower()
    return is_authority(authority) and (host in ("localhost", "[::1]") or _is_loopback(host))


def decoded(text: str) -> str:
    """`text` without percent-encoding."""
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _host_and_port(authority: str) -> tuple[str, str]:
    """Those that it says; without a port, that of http, for there is one then."""
    host, colon, port = authority.rpartition(":")
    return (host, port) if colon and not authority.endswith("]") else (authority, "80")


def _is_address(text: str) -> bool:
    from ipaddress import IPv6Address

    try:
        return not IPv6Address(text).scope_id
    except ValueError:
        return False


def _is_name(host: str) -> bool:
    # A dot at its end says that it is the whole name.
    labels = host.removesuffix(".").split(".")
    return all(len(label) <= _LONGEST_LABEL and label.replace("-", "").replace("_", "").isalnum() for label in labels)


def _is_loopback(host: str) -> bool:
    """Whether it is an address such as 127.0.0.1; a name that begins so is none."""
    return host.startswith("127.") and host.count(".") == 3 and host.replace(".", "").isdigit()


def _options(query: str, form: Form) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if name not in form.options:
            said = " and ".join(form.options)
            raise ConfigurationError(f"the query of {form.named} says {said} and nothing else, got another name")
        if name in found:
            raise ConfigurationError(f"the query of {form.named} says {name} once, got it twice")
        found[name] = checked_endpoint(decoded(value), form) if name == "endpoint" else decoded(value)
    return found
