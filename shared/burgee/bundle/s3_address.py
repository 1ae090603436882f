"""Where a bucket is, as a store's URL says it to those who write and those who read.

Law: both take the same URL for the same place; no message repeats credentials that were put into one.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError
from . import addresses

_EXAMPLE = "s3://acme-flags/production"
_FORM = addresses.Form("an s3 URL", _EXAMPLE, ("region", "endpoint"), "https://s3.example.org")
_BUCKET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_LONGEST_LABEL = 63
_LONGEST_REGION = 40


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
    place, options = addresses.taken_apart(url, _FORM)
    bucket, _, path = place.partition("/")
    prefix = path.strip("/")
    if not 3 <= len(bucket) <= 255 or set(bucket) - _BUCKET or not addresses.is_path(prefix):
        raise ConfigurationError(f"wanted a bucket and a prefix, as {_EXAMPLE}, got {addresses.shown_url(url)!r}")
    region = options.get("region")
    if region is not None and not is_region(region):
        raise ConfigurationError(f"wanted a region such as eu-central-1 in the query of {_EXAMPLE}, got another text")
    return S3Address(bucket, f"{prefix}/" if prefix else "", region, options.get("endpoint"))


def is_region(text: str) -> bool:
    """Whether it can be a region's name, and so a part of a host's."""
    return 0 < len(text) <= _LONGEST_REGION and text.isascii() and text.replace("-", "").isalnum()


def checked_endpoint(url: str) -> str:
    """`url` without a slash at its end. Raises ConfigurationError unless it is a plain http or https URL."""
    return addresses.checked_endpoint(url, _FORM)
