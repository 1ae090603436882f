"""Where a container is, as a store's URL says it to those who write and those who read.

Law: both take the same URL for the same place; no message repeats credentials that were put into one.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError
from . import addresses

_EXAMPLE = "azblob://acmeflags/flags/production"
_FORM = addresses.Form("an azblob URL", _EXAMPLE, ("endpoint",), "https://acmeflags.blob.core.windows.net")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_LONGEST_ACCOUNT = 24
_LONGEST_CONTAINER = 63


class AzblobAddress(namedtuple("AzblobAddress", "account container prefix endpoint")):
    """`prefix` ends with a slash or is empty; `endpoint` is the account's blob service, without a slash at its end."""

    __slots__ = ()

    @property
    def url(self) -> str:
        """Account, container and prefix, as messages name the place."""
        return f"azblob://{self.account}/{self.container}/{self.prefix}".rstrip("/")

    @property
    def place(self) -> str:
        """The container's own address."""
        return f"{self.endpoint}/{self.container}"


def read_azblob_address(url: str) -> AzblobAddress:
    """What `azblob://account/container/prefix?endpoint=http://127.0.0.1:10000/account` says.

    Without an endpoint it is Microsoft's public one. The prefix is taken as it is, a `%` is a `%`; the value of the
    query may be percent-encoded. Raises ConfigurationError for any other URL.
    """
    place, options = addresses.taken_apart(url, _FORM)
    account, _, rest = place.partition("/")
    container, _, path = rest.partition("/")
    prefix = path.strip("/")
    if not _is_account(account) or not _is_container(container) or not addresses.is_path(prefix):
        raise ConfigurationError(
            f"wanted an account, a container and a prefix, as {_EXAMPLE}, got {addresses.shown_url(url)!r}"
        )
    endpoint = options.get("endpoint", f"https://{account}.blob.core.windows.net")
    return AzblobAddress(account, container, f"{prefix}/" if prefix else "", endpoint)


def _is_account(text: str) -> bool:
    return 3 <= len(text) <= _LONGEST_ACCOUNT and set(text) <= _LETTERS


def _is_container(text: str) -> bool:
    """Whether it is words of small letters and digits, with single dashes between them."""
    return 3 <= len(text) <= _LONGEST_CONTAINER and all(word and set(word) <= _LETTERS for word in text.split("-"))
