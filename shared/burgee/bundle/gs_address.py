"""Where a bucket of Google Cloud Storage is, as a store's URL says it to those who write and those who read.

Law: both take the same URL for the same place.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError
from . import addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

GOOGLE = "https://storage.googleapis.com"

_EXAMPLE = "gs://acme-flags/production"
_FORM = addresses.Form("a gs URL", _EXAMPLE, ("endpoint",), "https://storage.example.org")
_BUCKET = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
_LONGEST_BUCKET = 222


class GsAddress(namedtuple("GsAddress", "bucket prefix endpoint")):
    """`prefix` ends with a slash or is empty; `endpoint` is None where the URL leaves it to others."""

    __slots__ = ()

    @property
    def url(self) -> str:
        """The bucket and the prefix, as messages name the place."""
        return f"gs://{self.bucket}/{self.prefix}".rstrip("/")


def read_gs_address(url: str) -> GsAddress:
    """What `gs://bucket/prefix?endpoint=http://127.0.0.1:4443` says; the query may be left out.

    The prefix is taken as it is, a `%` is a `%`; values of the query may be percent-encoded. Raises
    ConfigurationError for any other URL.
    """
    place, options = addresses.taken_apart(url, _FORM)
    bucket, _, path = place.partition("/")
    prefix = path.strip("/")
    if not _is_bucket(bucket) or not addresses.is_path(prefix):
        raise ConfigurationError(f"wanted a bucket and a prefix, as {_EXAMPLE}, got {addresses.shown_url(url)!r}")
    return GsAddress(bucket, f"{prefix}/" if prefix else "", options.get("endpoint"))


def endpoint_of(address: GsAddress, environ: Mapping[str, str]) -> str:
    """The service that has the bucket: the URL's, that of STORAGE_EMULATOR_HOST, or Google's.

    Raises ConfigurationError for a variable that is no address.
    """
    if address.endpoint is not None:
        return str(address.endpoint)
    host = environ.get("STORAGE_EMULATOR_HOST")
    if not host:
        return GOOGLE
    # Google's clients in other languages take it without a scheme.
    return addresses.checked_endpoint(host if "://" in host else f"http://{host}", _FORM)


def _is_bucket(name: str) -> bool:
    edges = name[:1] + name[-1:]
    return 3 <= len(name) <= _LONGEST_BUCKET and not set(name) - _BUCKET and edges.isalnum()
