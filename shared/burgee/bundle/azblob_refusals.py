"""What refusals of Azure's blob service mean, and what to do about them; the same to those who read and who write."""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import BurgeeError, Denied, NotFound, Unavailable, Unfit
from ..core.instant import format_instant
from ..core.visible import shortened, visible

_NO_CONTAINER = "check the account's and the container's name in the URL of the store, and the endpoint"
_GONE = ("ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled", "AccountIsDisabled")
# Refusals of who asks: another key, signed URL or token may do.
_OUTDATED = ("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation")
# Of a container that is not public: its account allows none, or the service tells strangers nothing.
_PRIVATE = ("PublicAccessNotPermitted", "ResourceNotFound")
_REDIRECTED = (301, 302, 307, 308)
# The service takes what was signed within a quarter of an hour.
_SKEWED_SECONDS = 900

Asked = namedtuple("Asked", "attempt by is_nobody needed now")
Asked.__doc__ = """A request: what it was, who made it in words for people, whether that is nobody in particular, what
they may lack, and this machine's time in milliseconds since the epoch."""


class Refusal(namedtuple("Refusal", "status code message date")):
    """An answer that is an error: `code`, `message` and the server's `date` are empty where it does not say."""

    __slots__ = ()

    def __str__(self) -> str:
        """As `404 BlobNotFound: The specified blob does not exist`."""
        # What follows are the request's id and the time.
        message = self.message.strip().partition("\n")[0].strip().rstrip(".")
        said = f"{self.status} {self.code}".rstrip()
        shown = f"{said}: {message}" if message and message != self.code else said
        return shortened(shown)

    @property
    def is_missing(self) -> bool:
        """Whether the container answers that it has no such blob."""
        return self.status in (404, 410) and self.code not in _GONE

    @property
    def may_be_outdated(self) -> bool:
        """Whether whoever asked may be taken for somebody else by now, or for nobody."""
        return self.status == 401 or self.code in _OUTDATED

    @property
    def may_be_for_nobody(self) -> bool:
        """Whether it may be that somebody would have got another answer than nobody in particular."""
        return self.status in (401, 403, 409) or self.code in _PRIVATE

    def error(self, asked: Asked) -> BurgeeError:
        """What to tell a person of it."""
        said = f"{asked.attempt}: {self}"
        if self.code in _GONE or self.status in _REDIRECTED:
            return Unavailable(f"{said}; {_NO_CONTAINER}")
        if self.status in (401, 403) or (self.code in _PRIVATE and (asked.is_nobody or self.status == 409)):
            return Denied(f"{said}; asked by {asked.by}; {self._remedy(asked)}")
        if self.is_missing:
            return NotFound(said)
        if self.status == 501:
            return Unfit(f"{said}; this service cannot do what burgee needs of a store, see `burgee doctor`")
        return Unavailable(said)

    def _remedy(self, asked: Asked) -> str:
        if not self.may_be_outdated or asked.is_nobody:
            return str(asked.needed)
        if abs(ahead_seconds(self.date, asked.now) or 0) > _SKEWED_SECONDS:
            here, there = format_instant(asked.now), visible(self.date)
            return f"set this machine's clock: it says {here}, the server {there}"
        return f"renew or replace it, and check the account's name; {asked.needed}"


def ahead_seconds(date: str, now: int) -> float | None:
    """How far a server's date, as in the header, is ahead of the instant `now`; None for what is no date."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - now / 1000
    except (TypeError, ValueError, OverflowError):
        return None


def needed(role: str, rights: str, container: str) -> str:
    """What a request takes that is refused: a role such as `Reader`, or a signed URL with these letters."""
    return (
        f"burgee needs the role Storage Blob Data {role} on the container {container} or a signed URL with {rights}, "
        "and a network that the account lets in"
    )
