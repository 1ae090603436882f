"""Who a reader of S3 is: credentials where Amazon's own tools look for them, kept until shortly before they expire.

Law: what still holds goes on being used when new ones cannot be had; one thread looks, the others go on.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections import namedtuple
from os import getpid

from ..core.errors import BurgeeError, ConfigurationError, Denied, InvalidDocument, Unavailable
from .aws_profile import checked_credentials, read_profile
from .aws_sources import from_container, from_instance, from_web_identity
from .connections import Connections
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Mapping

    from .connections import Patience, Reply

RENEWED_BEFORE_MS = 300_000
# Between two attempts to renew what still holds.
PAUSE_MS = 10_000
PATIENCE_SECONDS = 10.0
DEFAULT_REGION = "us-east-1"

_FILE_BYTES = 1024 * 1024
_ANSWER_BYTES = 65_536

Rim = namedtuple("Rim", "read ask now")
Rim.__doc__ = """What looking for credentials does outside: `read(path)` gives bytes or raises OSError,
`ask(method, url, headers, body, patience)` a Reply or raises Unavailable, `now()` milliseconds since the epoch."""


def system_rim(now: Callable[[], int]) -> Rim:
    """Files and services of this machine, by the clock `now`."""
    return Rim(_read, _ask, now)


def region_of(environ: Mapping[str, str], rim: Rim) -> str | None:
    """The region that a variable or the profile names."""
    return _named_region(environ) or read_profile(environ, rim.read).region()


def find_credentials(environ: Mapping[str, str], rim: Rim) -> Credentials:
    """The first of: variables, profile, web identity, container, instance; else nobody's, with words for why.

    Raises ConfigurationError for a source that is named and wrong, Denied and Unavailable for one that gives none.
    """
    found = from_variables(environ)
    if found is not None:
        return found
    profile = read_profile(environ, rim.read)
    found = profile.credentials()
    if found is not None:
        return found
    region = _named_region(environ) or profile.region() or DEFAULT_REGION
    for source in (from_web_identity, from_container, from_instance):
        found = source(environ, rim, region)
        if found is not None:
            return found
    return Credentials(None, None, None, None, _nobody(profile.name, profile.unread()))


def from_variables(environ: Mapping[str, str]) -> Credentials | None:
    """Those of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or None."""
    return checked_credentials(
        environ.get("AWS_ACCESS_KEY_ID"),
        environ.get("AWS_SECRET_ACCESS_KEY"),
        environ.get("AWS_SESSION_TOKEN"),
        source="AWS_ACCESS_KEY_ID",
    )


class HeldCredentials:
    """Credentials that were found, renewed when they are about to expire or were refused."""

    __slots__ = ("_environ", "_held", "_locks", "_rim")

    def __init__(self, environ: Mapping[str, str], rim: Rim) -> None:
        """Looks for nothing yet."""
        self._environ = environ
        self._rim = rim
        # The credentials and when they are due to be renewed: replaced whole, other threads read them.
        self._held: tuple[Credentials, float] | None = None
        self._locks: dict[int, LockType] = {}

    def current(self) -> Credentials:
        """Who to ask as. Raises Denied and Unavailable while there is nobody who still can."""
        fresh = self._fresh()
        if fresh is not None:
            return fresh
        lock = self._own_lock()
        if not lock.acquire(timeout=PATIENCE_SECONDS if self._valid() is None else 0):
            return self._while_another_looks()
        try:
            # Another thread may have renewed them while this one waited.
            return self._fresh() or self._renewed()
        finally:
            lock.release()

    def renewed(self, refused: Credentials) -> bool:
        """Whether there are others, after a look if need be, than those that were refused. Raises as `current`."""
        lock = self._own_lock()
        if not lock.acquire(timeout=PATIENCE_SECONDS):
            return False
        try:
            held = self._held[0] if self._held else None
            return (self._found() if held == refused else held) != refused
        finally:
            lock.release()

    def _fresh(self) -> Credentials | None:
        """Those held, unless it is time to renew them."""
        held = self._held
        return held[0] if held is not None and self._rim.now() < held[1] else None

    def _valid(self) -> Credentials | None:
        """Those held, unless they have expired."""
        found = self._held[0] if self._held else None
        return found if found and (found.expires_at is None or self._rim.now() < found.expires_at) else None

    def _while_another_looks(self) -> Credentials:
        valid = self._valid()
        if valid is None:
            raise Unavailable(f"another thread has looked for AWS credentials for {PATIENCE_SECONDS:g} s")
        return valid

    def _renewed(self) -> Credentials:
        try:
            return self._found()
        except BurgeeError:
            valid = self._valid()
            if valid is None:
                raise
            self._held = (valid, self._rim.now() + PAUSE_MS)
            return valid

    def _found(self) -> Credentials:
        """What a look finds, held from now on."""
        try:
            found = find_credentials(self._environ, self._rim)
        except ConfigurationError as error:
            raise Denied(f"no credentials to ask with: {error}") from error
        # A service may hand out what is about to expire: it is not asked again at once either.
        soon = self._rim.now() + PAUSE_MS
        due_at = float("inf") if found.expires_at is None else max(found.expires_at - RENEWED_BEFORE_MS, soon)
        self._held = (found, due_at)
        return found

    def _own_lock(self) -> LockType:
        """That of this process: one that a thread held when its process forked is held in the child for ever."""
        pid = getpid()
        return self._locks.get(pid) or self._locks.setdefault(pid, allocate_lock())


def _named_region(environ: Mapping[str, str]) -> str | None:
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")


def _nobody(profile: str, unread: str) -> str:
    looked = f"AWS_ACCESS_KEY_ID, profile {profile!r}, a web identity, a container's and an instance's role"
    return f"nobody, for there are no credentials ({looked}){': ' + unread if unread else ''}"


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than all of this
        return file.read(_FILE_BYTES)


def _ask(method: str, url: str, headers: dict[str, str], body: bytes, patience: Patience) -> Reply:
    connections = Connections(patience)
    try:
        return connections.ask(method, url, headers, body, max_bytes=_ANSWER_BYTES, deadline=connections.deadline())
    except InvalidDocument as error:
        raise Unavailable(str(error)) from error
    finally:
        connections.close()
