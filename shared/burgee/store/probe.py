"""One object of a store, on which the conditions of writes are tried.

Law: nothing but `keys.PROBE` is written. Rights elsewhere are tried by writes whose condition cannot hold.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ..bundle import keys
from ..bundle.digest import digest_of
from ..core.errors import Conflict, NotFound, Unavailable, Unfit
from .port import Object, Objects

_TRIES = 5
_RACERS = 8
_RACES = 3
# Nobody's version: no store gives it, and it is written as etags are.
_NO_ETAG = '"0123456789abcdef0123456789abcdef"'


class Probe:
    """The checks come in this order, each leaves the object as the next one takes it.

    Each gives words for what it saw. Raises Unfit for what a store must not do, and whatever the store raises.
    """

    def __init__(self, objects: Objects, nonce: Callable[[], str]) -> None:
        """`nonce` gives another text each time."""
        self._objects = objects
        self._nonce = nonce
        # The version that `swapped` replaced.
        self._old = ""

    def created_once(self) -> str:
        """The object exists afterwards, and is not created again."""
        try:
            self._objects.get(keys.PROBE)
        except NotFound:
            self._create_unless_another_did()
        try:
            self._put(None)
        except Conflict:
            return "an object that exists is not created again"
        raise Unfit(
            f"{self._objects.url} overwrites an object that was to be created only if there is none: it ignores "
            "the conditions of writes; do not publish to it"
        )

    def swapped(self) -> str:
        """A swap of the present version works, and what was written is what is read."""
        for _ in range(_TRIES):
            present = self._objects.get(keys.PROBE)
            content = self._content()
            try:
                etag = self._put(present.etag, content)
            except Conflict as error:
                if self._objects.get(keys.PROBE) == present:
                    raise Unfit(f"{self._objects.url} refuses to swap the version that is there: {error}") from error
                continue
            found = self._objects.get(keys.PROBE)
            if self._is_as_written(found, Object(content, etag), present):
                self._old = present.etag
                return "the version that was seen is replaced, its bytes are kept, its etag changes"
        raise _disturbed(self._objects.url)

    def stale_refused(self) -> str:
        """A swap of a version that is no longer there is refused."""
        for etag in (self._old, _NO_ETAG):
            try:
                self._put(etag)
            except Conflict:
                continue
            raise Unfit(
                f"{self._objects.url} overwrites what somebody else wrote meanwhile: it ignores the conditions of "
                "writes; do not publish to it"
            )
        return "a version that was replaced cannot be swapped"

    def one_winner(self) -> str:
        """Of swaps at the same time, one is done."""
        with ThreadPoolExecutor(_RACERS) as pool:
            for _ in range(_RACES):
                etag = self._objects.get(keys.PROBE).etag
                won = sum(pool.map(self._wins, [etag] * _RACERS))
                if won > 1:
                    raise Unfit(
                        f"{self._objects.url} let {won} of {_RACERS} swaps at the same time win: its conditions hold "
                        "for one writer only; do not publish to it"
                    )
                if won == 0:
                    raise _disturbed(self._objects.url)
        return f"of {_RACERS} swaps at the same time one wins"

    def allowed_elsewhere(self) -> str:
        """Where releases go can be written to."""
        # Keys that nobody reads: were a condition to fail here of all places, nothing would be lost.
        for key in (f"environments/{keys.PROBE}", keys.blob(digest_of(b""))):
            try:
                self._put(_NO_ETAG, key=key)
            except Conflict:
                continue
            raise Unfit(f"{self._objects.url} wrote {key} although its condition did not hold; remove that object")
        return "environments and blobs can be written"

    def _create_unless_another_did(self) -> None:
        try:
            self._put(None)
        except Conflict:
            self._objects.get(keys.PROBE)

    def _put(self, expected: str | None, content: bytes | None = None, *, key: str = keys.PROBE) -> str:
        return self._objects.swap(
            key,
            self._content() if content is None else content,
            expected=expected,
            content_type=keys.JSON,
            cache_control=keys.MUTABLE,
        )

    def _wins(self, etag: str) -> bool:
        try:
            self._put(etag)
        except Conflict:
            return False
        return True

    def _content(self) -> bytes:
        # With what something on the way might change: line ends, blanks at the end, characters beyond ASCII.
        return f'{{"burgee":"probe",\r\n"nonce":"{self._nonce()}",\t"text":"é\u2028\u00a0"}} \r\n\n'.encode()

    def _is_as_written(self, found: Object, written: Object, before: Object) -> bool:
        """Whether it is; False when somebody else wrote meanwhile. Raises Unfit when the store changed it."""
        if found.content == written.content and found.etag == written.etag != before.etag:
            return True
        nonce = written.content.split(b'"')[7]
        if nonce not in found.content and found != before:
            return False
        if found.content != written.content:
            raise Unfit(f"{self._objects.url} does not give back the bytes that were written")
        etags = f"{before.etag} before a write, {written.etag} for it and {found.etag} after"
        raise Unfit(f"{self._objects.url} gave etag {etags}; wanted another one for each version")


def _disturbed(url: str) -> Unavailable:
    return Unavailable(f"somebody else writes {keys.PROBE} in {url} at the same time; try again")
