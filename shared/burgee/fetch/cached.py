"""A fetcher that keeps on disk what never changes, and what the store said last for when it cannot be reached.

Blobs are shared by all stores. Releases belong to one log: at the first look at a head, and whenever a head does not
continue the one that was kept (somebody emptied the store and began anew), they get a folder of their own.
"""

from __future__ import annotations

from collections import namedtuple
from contextlib import suppress

from ..bundle import keys
from ..bundle.digest import digest_of, hex_of
from ..bundle.head import decode_head
from ..bundle.log import release_entry
from ..core.errors import ContentError, NotFound, Unavailable
from .port import MAX_BYTES, NOT_MODIFIED, Fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..bundle.head import Head
    from .cache_folder import CacheFolder
    from .port import Fetcher

OutOfReach = namedtuple("OutOfReach", "seen_at fault")
OutOfReach.__doc__ = "When the store was last seen (milliseconds since the epoch), and what is wrong with it now."


class Cached:
    """See `port.Fetcher`. `out_of_reach` is an OutOfReach while the head or the index is given as it was kept."""

    __slots__ = ("_fetcher", "_folder", "_logs", "_store", "out_of_reach")

    def __init__(self, fetcher: Fetcher, folder: CacheFolder, place: str) -> None:
        """`place` is what names the store among others."""
        self._fetcher = fetcher
        self._folder = folder
        self._store = f"stores/{hex_of(digest_of(place.encode('utf-8', 'replace')))}"
        # By the beginning of keys: where the releases are kept of an environment whose head was looked at.
        self._logs: dict[str, str] = {}
        self.out_of_reach: OutOfReach | None = None

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        if key.startswith(f"{keys.BLOBS}/"):
            return self._blob(key, max_bytes)
        beginning, _, file = key.rpartition("/")
        if beginning in self._logs:
            return self._release(key, f"{self._logs[beginning]}/{file}", max_bytes)
        if keys.cache_control(key) == keys.IMMUTABLE:
            return self._fetcher.get(key, max_bytes=max_bytes)
        return self._newest(key, etag, max_bytes)

    def close(self) -> None:
        """Close the connections that are kept, and see to it that the folder does not grow for ever."""
        self._fetcher.close()
        self._folder.close()

    def _blob(self, key: str, max_bytes: int) -> Fetched:
        digest = f"sha256:{key.rpartition('/')[2]}"
        kept = self._folder.read(key, digest, max_bytes=max_bytes)
        if kept is not None:
            return Fetched(kept, None)
        fetched = self._fetcher.get(key, max_bytes=max_bytes)
        # Whoever asked for it says what is wrong with it.
        if digest_of(fetched.content) == digest:
            self._folder.write(key, fetched.content)
        return fetched

    def _release(self, key: str, name: str, max_bytes: int) -> Fetched:
        kept = self._folder.read_own(name, max_bytes=max_bytes)
        if kept is not None:
            return Fetched(kept, None)
        fetched = self._fetcher.get(key, max_bytes=max_bytes)
        with suppress(ContentError):
            _, environment, _, number = key.removesuffix(".json").split("/")
            release_entry(fetched.content, environment=environment, revision=int(number))
            self._folder.write_own(name, fetched.content)
        return fetched

    def _newest(self, key: str, etag: str | None, max_bytes: int) -> Fetched:
        """What may change: as it is now, or, as long as the store is out of reach, as it was kept."""
        name = f"{self._store}/{key}"
        try:
            fetched = self._fetcher.get(key, etag, max_bytes=max_bytes)
        except Unavailable as fault:
            kept = self._folder.read_own(name, max_bytes=max_bytes)
            if kept is None:
                raise
            self.out_of_reach = OutOfReach(self._folder.touched_at(name), fault)
            log, _, content = kept.partition(b"\n")
            self._use(key, log.decode())
            return Fetched(content, None)
        if fetched is not NOT_MODIFIED:
            self._keep(key, name, fetched.content, max_bytes)
        self._folder.touch(name)
        self.out_of_reach = None
        return fetched

    def _keep(self, key: str, name: str, content: bytes, max_bytes: int) -> None:
        kept = self._folder.read_own(name, max_bytes=max_bytes) or b""
        log, _, before = kept.partition(b"\n")
        if before != content:
            if key.endswith(f"/{keys.HEAD_NAME}"):
                log = self._log_of(content, log, before)
            self._folder.write_own(name, log + b"\n" + content)
        self._use(key, log.decode())

    def _log_of(self, content: bytes, log: bytes, before: bytes) -> bytes:
        """The name of the log that a head ends: that of the head before it, if it continues that one."""
        try:
            head = decode_head(content)
        except ContentError:
            # Whoever asked for it says what is wrong with it.
            return b""
        if log:
            with suppress(ContentError, NotFound):
                if self._continues(head, decode_head(before)):
                    return log
        return hex_of(head.last.digest).encode()

    def _continues(self, head: Head, before: Head) -> bool:
        revision = before.revision
        present = next((entry.digest for entry in head.releases if entry.release.revision == revision), None)
        if present is None:
            # Asked of the store: whether it still says what is kept is the question.
            present = digest_of(self._fetcher.get(keys.release(head.environment, revision)).content)
        return bool(present == before.last.digest)

    def _use(self, key: str, log: str) -> None:
        beginning, _, file = key.rpartition("/")
        if file == keys.HEAD_NAME and log:
            self._logs[f"{beginning}/releases"] = f"{self._store}/{beginning}/releases/{log}"
