"""Where a bucket is, as a store's URL says it to those who write and those who read.

Law: both take the same URL for the same place; no message repeats credentials that were put into one.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError

_EXAMPLE = "s3://acme-flags/production"
_BUCKET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_LONGEST_LABEL = 63
_LONGEST_REGION = 40
_LARGEST_PORT = 65_535


class S3Address(namedtuple("S3Address", "bucket prefix region endpoint")):
    """`prefix` ends with a slash or is empty; `region` and `endpoint` are None where the URL leaves them to others."""

    __slots__ = ()

    @property
    def url(self) -> str:
        """The bucket and the prefix, as messages name the place."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def fits_a_host(self) -> bool:
        """Whether the bucket can be a part of a host's name; one with dots would not fit the certificate."""
        return len(self.bucket) <= _LONGEST_LABEL and set(self.bucket) <= _LABEL


def read_s3_address(url: str) -> S3Address:
    """What `s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example.org` says; the query may be left out.

    The prefix is taken as it is, a `%` is a `%`; values of the query may be percent-encoded. Raises
    ConfigurationError for any other URL.
    """
    place, _, query = url.partition("://")[2].partition("?")
    bucket, _, prefix = place.partition("/")
    if "#" in url or "@" in bucket:
        raise ConfigurationError(f"an s3 URL has no credentials and no fragment; it is written as {_EXAMPLE}")
    prefix = prefix.strip("/")
    if not 3 <= len(bucket) <= 255 or set(bucket) - _BUCKET or not url.isprintable() or not _is_path(prefix):
        raise ConfigurationError(f"wanted a bucket and a prefix, as {_EXAMPLE}, got {f's3://{place}'!r}")
    options = _options(query)
    region, endpoint = options.get("region"), options.get("endpoint")
    if region is not None and not is_region(region):
        raise ConfigurationError(f"wanted a region such as eu-central-1 in the query of {_EXAMPLE}, got {region!r}")
    if endpoint is not None:
        endpoint = checked_endpoint(endpoint)
    return S3Address(bucket, f"{prefix}/" if prefix else "", region, endpoint)


def is_region(text: str) -> bool:
    """Whether it can be a region's name, and so a part of a host's."""
    return 0 < len(text) <= _LONGEST_REGION and text.isascii() and text.replace("-", "").isalnum()


def checked_endpoint(url: str) -> str:
    """`url` without a slash at its end. Raises ConfigurationError unless it is a plain http or https URL."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    if "@" in rest or "?" in rest or "#" in rest:
        raise ConfigurationError("the endpoint of an s3 store has no credentials, query or fragment")
    if scheme not in ("http", "https") or not _is_authority(host) or not url.isprintable() or " " in url:
        raise ConfigurationError(f"wanted an endpoint such as https://s3.example.org, got {url!r}")
    return url.rstrip("/")


def _is_path(prefix: str) -> bool:
    # What some clients would take out of an address and others not.
    return not prefix or not set(prefix.split("/")) & {"", ".", ".."}


def _options(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if name not in ("region", "endpoint"):
            raise ConfigurationError(f"the query of an s3 URL says region and endpoint and nothing else, got {name!r}")
        if name in found:
            raise ConfigurationError(f"the query of an s3 URL says {name} once, got it twice")
        found[name] = _decoded(value)
    return found


def _decoded(value: str) -> str:
    if "%" not in value:
        return value
    from urllib.parse import unquote

    return unquote(value)


def _is_authority(text: str) -> bool:
    """Whether it is a host, with or without a port; a host with colons stands in brackets."""
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    host = host if colon else text
    if colon and not (port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
        return False
    return bool(host) and (host.startswith("[") or ":" not in host)
