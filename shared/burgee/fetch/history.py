"""The log of an environment by number: which release was active at an instant, and what it said.

Law: what is answered for an instant that has passed is what was answered then, whenever it is asked.

A release that is read by its number has the environment and the number that were asked for, names the release before it
by its digest as far as that was read, and was published after it. That finds what was damaged or exchanged beside a
release that is read, and a search reads the two on either side of the instant. That nothing anywhere was exchanged is
proven by the chain of digests from the head alone: `burgee verify` walks it, `backwards` does, and with a verifier, for
which only the head is signed, every release is taken from the chain; what was walked once is remembered, and `reach`
bounds how far that goes.
"""

from __future__ import annotations

from _thread import allocate_lock
from bisect import bisect_right

from ..bundle import keys
from ..bundle.log import check_link, release_entry, waiting_before
from ..core.errors import ContentError, InvalidRequest, NotFound, Unavailable, Untrusted
from ..core.instant import format_instant
from .bounded import Bounded
from .clock import SystemClock
from .held import HEAD_BYTES, Held, complete, see_head
from .live import Serving

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from ..bundle.document import Document
    from ..bundle.head import Entry, Head
    from ..core.snapshot import Snapshot
    from .clock import Clock
    from .port import Fetcher
    from .verify import Verifier

_ENTRIES = 4096
_SNAPSHOTS = 8
_DOCUMENT_BYTES = 64 * 1024 * 1024
# How many releases are read at once at the beginning of a walk and on a long one, and by how many threads.
_FEW, _MANY, _READERS = 4, 64, 16
# For how long one who asks waits for another's walk.
_PATIENCE_SECONDS = 5.0
# As long as a head says nothing of its own: how long releases may take to be seen, and by how much clocks may differ.
_LAG_MS, _SKEW_MS = 5_000, 5_000


class History:
    """One environment's log as a fetcher shows it; safe among threads."""

    __slots__ = (
        *("_clock", "_documents", "_entries", "_fetcher", "_held", "_looked_at", "_looking", "_proven"),
        *("_reach", "_snapshots", "_ttl_ms", "_verifier", "_walking", "environment"),
    )

    def __init__(
        self,
        fetcher: Fetcher,
        environment: str,
        *,
        verifier: Verifier | None = None,
        ttl_ms: int = 1000,
        reach: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Looks at nothing yet. With a `verifier` releases are taken from the chain of a signed head alone, for
        instants no more than `reach` releases back (None: all). The head is not looked at again for `ttl_ms`
        (milliseconds)."""
        self.environment = environment
        self._fetcher = fetcher
        self._verifier = verifier
        self._ttl_ms = ttl_ms
        self._reach = reach
        self._clock = clock or SystemClock()
        self._held = Held()
        self._looked_at: int | None = None
        self._looking = allocate_lock()
        self._entries: Bounded[int, Entry] = Bounded(_ENTRIES)
        self._documents: Bounded[str, Document] = Bounded(_DOCUMENT_BYTES)
        self._snapshots: Bounded[str, Snapshot] = Bounded(_SNAPSHOTS)
        # Digests by revision, of what the chain from a head leads to.
        self._proven: dict[int, str] = {}
        self._walking = allocate_lock()

    def head(self) -> Head:
        """The head as it is now, or was less than the TTL ago. Raises as `held.see_head` does."""
        with self._looking:
            now = self._clock.monotonic()
            if self._looked_at is None or now - self._looked_at >= self._ttl_ms:
                self._held = see_head(self._fetcher, self.environment, self._held, self._verifier, kept=True)
                self._looked_at = now
            head: Head = self._held.head
            return head

    def release(self, revision: int) -> Entry:
        """The release of a number. Raises NotFound when the log does not have it, ContentError when it is damaged."""
        return self._entry(self._head_with(revision), revision)

    def active_at(self, instant: int, *, now: int | None = None) -> Entry:
        """The release that was active at an instant (milliseconds); of one to come, that will be as things are now.

        That takes O(log n) reads, and those of what was pending then; with a verifier, as many as there are releases
        since. Raises NotFound when there was none, InvalidRequest for one out of reach and, where it is said what time
        it is `now`, for one so young that a release of then may still come to be seen.
        """
        head = self._held.head
        if head is None or instant >= head.last.release.published_at:
            # What was published before the newest release that is known stays as it is.
            head = self.head()
            self._check_signed(head, instant)
            if now is not None and instant >= head.last.release.published_at:
                self._check_settled(head, instant, now)
        newest = bisect_right(
            range(1, head.revision + 1),
            instant,
            lo=self._walked_to(head, instant),
            key=lambda revision: self._published_at(head, revision),
        )
        found = self._active_among(head, newest, instant) if newest else None
        if found is None:
            raise NotFound(f"environment {self.environment!r} had no active release at {format_instant(instant)}")
        return found

    def backwards(self, revision: int | None = None) -> Iterator[Entry]:
        """Releases from a number, or the newest, back to the first, each as the one after it names it.

        Raises NotFound for one that is missing, ContentError where the chain is broken.
        """
        head = self.head() if revision is None else self._head_with(revision)
        return self._linked(head, self._entry(head, revision or head.revision), 0)

    def snapshot(self, entry: Entry) -> Snapshot:
        """A release ready to evaluate, its documents verified. Raises StoreError, ContentError."""
        found = self._snapshots.get(entry.digest)
        if found is None:
            documents = self.documents(entry)
            named = {digest: documents[key] for key, (digest, _) in entry.release.namespaces.items()}
            found = self._completed(entry, named).snapshots[entry.digest]
            self._snapshots.put(entry.digest, found)
        return found

    def documents(self, entry: Entry, *namespaces: str) -> dict[str, Document]:
        """A release's documents by namespace, or those of `namespaces` that it has, verified.

        Raises StoreError, ContentError.
        """
        layers = entry.release.namespaces
        wanted = {key: layers[key] for key in (namespaces or layers) if key in layers}
        known = {digest: found for digest, _ in wanted.values() if (found := self._documents.get(digest)) is not None}
        part = entry._replace(release=entry.release._replace(namespaces=wanted))
        documents = self._completed(part, known).documents
        for digest in documents.keys() - known.keys():
            self._documents.put(digest, documents[digest], size=len(documents[digest].content))
        return {key: documents[digest] for key, (digest, _) in wanted.items()}

    def at(self, instant: int, *, now: int | None = None) -> Serving:
        """What was answered from at an instant (milliseconds). Raises as `active_at` and `snapshot` do."""
        entry = self.active_at(instant, now=now)
        return Serving(self.snapshot(entry), entry.release, entry.digest, entry, None, None)

    def _head_with(self, revision: int) -> Head:
        head: Head | None = self._held.head
        if head is None or revision > head.revision:
            head = self.head()
        if not 1 <= revision <= head.revision:
            raise NotFound(f"environment {self.environment!r} has releases 1 to {head.revision}, not {revision}")
        return head

    def _check_signed(self, head: Head, instant: int) -> None:
        """Raises Untrusted for an instant that is after the end of what was signed."""
        if self._verifier is not None and head.expires_at is not None and head.expires_at < instant:
            raise Untrusted(
                f"the head of {self.environment!r} that was signed last says nothing of {format_instant(instant)}, for "
                f"it has expired at {format_instant(head.expires_at)}"
            )

    def _check_settled(self, head: Head, instant: int, now: int) -> None:
        """Raises InvalidRequest while a release could still come that counts as published by an instant."""
        skew = _SKEW_MS if head.clock_skew_ms is None else head.clock_skew_ms
        settled = instant + self._ttl_ms + max(head.lags_ms, default=_LAG_MS) + skew
        if now < settled:
            raise InvalidRequest(
                f"what was published at {format_instant(instant)} may not be seen yet, so the answer could still "
                f"change; ask again from {format_instant(settled)} on"
            )

    def _walked_to(self, head: Head, instant: int) -> int:
        """A revision that was published by an instant, or 0: with a verifier each one back to it has to be read.

        In growing steps from the end of the log, so that only what came after the instant is walked, at most twice.
        """
        if self._verifier is None:
            return 0
        end = 0 if self._reach is None else max(0, head.revision - self._reach)
        revision, step = int(head.revision), 1
        while revision > end and self._published_at(head, revision) > instant:
            revision, step = max(revision - step, end), 2 * step
        if revision == end > 0 and self._published_at(head, revision) > instant:
            raise InvalidRequest(
                f"{format_instant(instant)} is more than {self._reach} releases of {self.environment!r} back, and with "
                "keys each one would have to be read; ask `burgee evaluate --at`"
            )
        return revision

    def _published_at(self, head: Head, revision: int) -> int:
        instant: int = self._entry(head, revision).release.published_at
        return instant

    def _active_among(self, head: Head, newest: int, instant: int) -> Entry | None:
        """What was active when `newest` was the newest release; see `log.waiting_before`."""
        first = self._entry(head, newest)
        waiting = waiting_before(first.release)
        for entry in self._linked(head, first, waiting.start - 1):
            if entry.release.activates_at <= instant:
                return entry
        return self._entry(head, waiting.start - 1) if waiting.start > 1 else None

    def _entry(self, head: Head, revision: int) -> Entry:
        known = self._known(head, revision)
        if known is not None:
            return known
        if self._verifier is not None:
            return self._proven_entry(head, revision)
        entry = self._read(revision)
        earlier, later = self._known(head, revision - 1), self._known(head, revision + 1)
        if earlier is not None:
            check_link(earlier, entry)
        if later is not None:
            check_link(entry, later)
        self._entries.put(revision, entry)
        return entry

    def _known(self, head: Head, revision: int) -> Entry | None:
        """What the head holds, or was read and checked before."""
        held = (entry for entry in head.releases if entry.release.revision == revision)
        return next(held, None) or self._entries.get(revision)

    def _proven_entry(self, head: Head, revision: int) -> Entry:
        """The release that the chain from the head leads to; where it was walked before, it is read alone."""
        if revision in self._proven:
            # No walk, and no waiting for one.
            return self._read_proven(head, revision)
        if not self._walking.acquire(timeout=_PATIENCE_SECONDS):
            raise Unavailable(f"the log of environment {self.environment!r} is being walked; ask again in a moment")
        try:
            for held in head.releases:
                self._proven.setdefault(held.release.revision, held.digest)
            above = min(number for number in self._proven if number >= revision)
            for entry in self._linked(head, self._read_proven(head, above), revision - 1):
                self._proven[entry.release.revision] = entry.digest
            return entry
        finally:
            self._walking.release()

    def _read_proven(self, head: Head, revision: int) -> Entry:
        """A release whose digest the chain has led to before."""
        found = self._known(head, revision) or self._read(revision)
        if found.digest != self._proven[revision]:
            raise ContentError(
                f"release {revision} of environment {self.environment!r} has digest {found.digest}, "
                f"the chain from the head says {self._proven[revision]}"
            )
        self._entries.put(revision, found)
        return found

    def _linked(self, head: Head, entry: Entry, end: int) -> Iterator[Entry]:
        """`entry` and those before it down to `end`, which is not among them, each as the one after it names it."""
        self._entries.put(entry.release.revision, entry)
        yield entry
        later = entry
        for number, found in self._read_backwards(head, entry.release.revision - 1, end):
            check_link(found, later)
            self._entries.put(number, found)
            yield found
            later = found

    def _read_backwards(self, head: Head, first: int, end: int) -> Iterator[tuple[int, Entry]]:
        """Releases from `first` down to the one after `end`, several at a time and more of them on a long way."""
        some = _FEW
        while first > end:
            numbers = range(first, max(first - some, end), -1)
            lacking = [number for number in numbers if self._known(head, number) is None]
            read = self._reading(lacking) if len(lacking) > 1 else {}
            for number in numbers:
                # What cannot be read is told when the walk comes to it, which it may not.
                found = read[number].result() if number in read else self._known(head, number)
                yield number, found or self._read(number)
            first, some = numbers[-1] - 1, min(2 * some, _MANY)

    def _reading(self, numbers: list[int]) -> dict[int, Future[Entry]]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(len(numbers), _READERS)) as readers:
            return {number: readers.submit(self._read, number) for number in numbers}

    def _read(self, revision: int) -> Entry:
        key = keys.release(self.environment, revision)
        content = self._fetcher.get(key, max_bytes=HEAD_BYTES).content
        try:
            return release_entry(content, environment=self.environment, revision=revision)
        except ContentError as error:
            raise type(error)(f"{key}: {error}") from error

    def _completed(self, entry: Entry, known: dict[str, Document]) -> Held:
        held, fault = complete(self._fetcher, Held(documents=known), (entry,))
        if fault is not None:
            raise fault
        return held
