"""Objects in a bucket of Google Cloud Storage; their etags are generations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from time import time
from typing import Any

from google.auth.exceptions import GoogleAuthError

from ..bundle.gs_address import GsAddress, endpoint_of, read_gs_address
from ..bundle.gs_refusals import MISSING_OR_DENIED
from ..core.errors import BurgeeError, InvalidDocument, Unfit
from . import remote
from .gs_faults import FAULTS, fault, meaning_of, nobody
from .gs_session import Identity, a_client, an_identity, checked_variables
from .pace import Pace
from .port import Object
from .remote import Meaning, RemoteObjects, Right, Write
from .server_clock import ServerClock

_MARK = "burgee-write"
# Generations are microseconds since 1970: no object has this one.
_NO_GENERATION = 1
_LONGEST_GENERATION = 18
# The rights that requests need, as roles name them.
_RIGHTS: Mapping[Right, str] = {
    "read": f"storage.objects.get on it, and {MISSING_OR_DENIED}",
    "write": "storage.objects.create and storage.objects.delete, which replacing takes, on it",
    "list": "storage.objects.list on it",
}


class GsWire:
    """See `remote.Wire` for each verb."""

    faults = FAULTS

    def __init__(
        self,
        address: GsAddress,
        identify: Callable[[], Identity],
        *,
        endpoint: str,
        pace: Pace,
        now: Callable[[], float] = time,
    ) -> None:
        """`identify` is called by the first request; `now` gives seconds since the epoch."""
        self.url: str = address.url
        self._address = address
        self._identify = identify
        self._endpoint = endpoint
        self._pace = pace
        self._lock = Lock()
        self._asker: tuple[Any, str] | None = None
        self._clock = ServerClock(now)

    def get(self, key: str) -> Object:
        blob, kept = self._blob(key), _Kept(key, self.url)
        # As it is kept: what is named by a digest is not to be unpacked on the way.
        blob.download_to_file(kept, raw_download=True, **self._once())
        return Object(b"".join(kept.pieces), self._etag(key, blob), _written_at(blob))

    def put(self, key: str, write: Write) -> str:
        blob = self._blob(key)
        blob.metadata = {_MARK: write.mark}
        blob.cache_control = write.cache_control
        blob.upload_from_string(
            write.content,
            content_type=write.content_type,
            if_generation_match=_generation(write.expected),
            **self._once(),
        )
        return self._etag(key, blob)

    def look(self, key: str) -> tuple[str, str | None]:
        blob = self._blob(key)
        blob.reload(**self._once())
        return self._etag(key, blob), (blob.metadata or {}).get(_MARK)

    def list(self, prefix: str) -> Iterator[str]:
        address = self._address
        for each in self._client().list_blobs(address.bucket, prefix=address.prefix + prefix, **self._once()):
            yield each.name.removeprefix(address.prefix)

    def meaning(self, error: Any) -> Meaning:
        return meaning_of(error)

    def fault(self, attempt: str, right: Right, error: Any) -> BurgeeError:
        return fault(
            f"{attempt} at {self._endpoint}",
            error,
            asker=self.asked_by(),
            needed=f"for the bucket {self._address.bucket} burgee needs {_RIGHTS[right]}",
            about_object=right == "read",
        )

    @property
    def place(self) -> str:
        return f"bucket {self._address.bucket}, prefix {self._address.prefix or 'none'}, at {self._endpoint}"

    def asked_by(self) -> str:
        return self._asking()[1]

    def clock_difference(self) -> float | None:
        return self._clock.difference()

    def _client(self) -> Any:
        return self._asking()[0]

    def _asking(self) -> tuple[Any, str]:
        """The client, and in whose name it asks. Raises Denied when the search for credentials fails."""
        with self._lock:
            if self._asker is None:
                try:
                    identity = self._identify()
                    client = a_client(identity, endpoint=self._endpoint, pace=self._pace, note=self._note)
                except GoogleAuthError as error:
                    raise nobody(f"cannot ask {self.url}", error) from error
                self._asker = client, identity.shown
            return self._asker

    def _note(self, headers: Mapping[str, str]) -> None:
        self._clock.note(headers.get("Date"))

    def _blob(self, key: str) -> Any:
        return self._client().bucket(self._address.bucket).blob(self._address.prefix + key)

    def _once(self) -> dict[str, Any]:
        # One attempt: a write that is tried again must know that it is, see `remote`.
        return {"retry": None, "timeout": (self._pace.connect, self._pace.answer)}

    def _etag(self, key: str, blob: Any) -> str:
        try:
            generation = blob.generation
        except ValueError:
            generation = None
        if not generation:
            raise Unfit(f"{key} in {self.url} has no generation; burgee can only publish where versions have names")
        return str(generation)


def open_gs(url: str, environ: Mapping[str, str], *, pace: Pace | None = None) -> RemoteObjects:
    """The objects at `gs://bucket/prefix`, asked for as who `environ` says. Raises ConfigurationError."""
    address = read_gs_address(url)
    endpoint = endpoint_of(address, environ)
    checked_variables(environ)
    pace = pace or Pace()
    wire = GsWire(address, lambda: an_identity(environ, endpoint), endpoint=endpoint, pace=pace)
    return RemoteObjects(wire, pace=pace)


class _Kept:
    """Where content is written to as it arrives."""

    def __init__(self, key: str, url: str) -> None:
        self.pieces: list[bytes] = []
        self._size = 0
        self._named = f"{key} in {url}"

    def write(self, piece: bytes) -> int:
        """Raises InvalidDocument when there is more than readers take."""
        self._size += len(piece)
        if self._size > remote.LARGEST_BYTES:
            raise InvalidDocument(f"{self._named}: {self._size} bytes or more, wanted at most {remote.LARGEST_BYTES}")
        self.pieces.append(piece)
        return len(piece)


def _written_at(blob: Any) -> int | None:
    """The millisecond of the generation, which counts microseconds; a download tells of no other time."""
    return int(blob.generation) // 1000 if blob.generation else None


def _generation(etag: str | None) -> int:
    """The generation that a write is to replace, 0 for none; what no generation is called is one that is not there."""
    if etag is None:
        return 0
    is_number = etag.isascii() and etag.isdecimal() and len(etag) <= _LONGEST_GENERATION
    return int(etag) or _NO_GENERATION if is_number else _NO_GENERATION
