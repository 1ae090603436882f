"""One bucket and who asks it: requests that are tried again when that may help, and what their faults mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from random import random
from threading import Lock
from time import monotonic, sleep, time
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError

from ..bundle.s3_address import S3Address
from ..bundle.s3_refusals import MISSING_OR_DENIED
from ..core.errors import BurgeeError
from ..core.instant import format_instant
from .s3_faults import FAULTS, Fault, answer_of, date_of, elsewhere, fault, may_pass, nobody

# The rights that requests need, as policies name them.
GET, PUT, LIST = "s3:GetObject", "s3:PutObject", "s3:ListBucket"

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a verb is tried, and how long. Times are in seconds.

    `connect` and `answer` bound one attempt: to connect, and between any two bytes. A wait before the next one is a
    random part of what doubles from `first` to `longest`. No attempt begins after `whole`.
    """

    connect: float = 5.0
    answer: float = 20.0
    tries: int = 4
    first: float = 0.2
    longest: float = 5.0
    whole: float = 60.0
    sleep: Callable[[float], object] = sleep
    random: Callable[[], float] = random
    clock: Callable[[], float] = monotonic

    def attempts(self) -> Iterator[None]:
        """One item for each attempt, with the waits between them."""
        begun = self.clock()
        for number in range(self.tries):
            if number:
                self.sleep(self.random() * min(self.first * 2**number, self.longest))
                if self.clock() - begun > self.whole:
                    return
            yield


HASTE = Pace(connect=1.0, answer=2.0, tries=1)


@dataclass(frozen=True, slots=True)
class Asker:
    """A client of Amazon's, and in whose name it asks, as a person may see it."""

    client: Any
    shown: str


class Bucket:
    """Safe among threads."""

    def __init__(
        self,
        address: S3Address,
        connect: Callable[[str], Asker],
        *,
        region: str,
        endpoint: str | None,
        pace: Pace,
        now: Callable[[], float] = time,
    ) -> None:
        """`connect` is called by the first request, and gives who asks in a region; `endpoint` is for messages.

        `now` gives seconds since the epoch.
        """
        self.address = address
        self.region = region
        self._endpoint = endpoint
        self._pace = pace
        self._connect = connect
        self._now = now
        self._asker: Asker | None = None
        self._lock = Lock()
        # The time by the last answer, and what it was here.
        self._dated: tuple[str, float] | None = None

    @property
    def place(self) -> str:
        """Where the bucket is asked for, in short."""
        return self._endpoint or self.region

    def asker(self) -> Asker:
        """Who asks. Raises Denied when the search for credentials fails."""
        with self._lock:
            if self._asker is None:
                try:
                    self._asker = self._connect(self.region)
                except BotoCoreError as error:
                    raise nobody(f"cannot ask {self.address.url}", error) from error
            return self._asker

    def ask(self, attempt: str, right: str, request: Callable[[Any], _Answer]) -> _Answer:
        """What `request` gives for the client. Raises what the last fault means, to one who needs `right`."""
        failed: Fault | None = None
        for client in self.attempts():
            try:
                return request(client)
            except FAULTS as error:
                failed = error
                if not self.tries_again_after(error):
                    break
        assert failed is not None
        raise self.fault(attempt, right, failed) from failed

    def attempts(self) -> Iterator[Any]:
        """The client for each attempt, with waits between them. Raises as `asker` does."""
        for _ in self._pace.attempts():
            yield self.asker().client

    def tries_again_after(self, error: Fault) -> bool:
        """Whether another attempt may do better: the fault may pass, or the bucket was asked for in another region."""
        self.note(answer_of(error))
        region = elsewhere(error)
        if region is None or region == self.region:
            return may_pass(error)
        with self._lock:
            self.region, self._asker = region, None
        return True

    def note(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer itself, once it is known what time it says it is."""
        date = date_of(answer)
        if date:
            self._dated = (date, self._now())
        return answer

    def clock_difference(self) -> float | None:
        """Seconds by which the server's clock is ahead of this machine's, by its last answer; None before one."""
        if self._dated is None:
            return None
        try:
            return parsedate_to_datetime(self._dated[0]).timestamp() - self._dated[1]
        except (TypeError, ValueError, OverflowError):
            return None

    def fault(self, attempt: str, right: str, failed: Fault) -> BurgeeError:
        """What to tell a person of `failed`; `right` is what may be missing."""
        return fault(
            f"{attempt} at {self.place}",
            failed,
            asker=self.asker().shown,
            needed=self._needed(right),
            now=format_instant(int(self._now() * 1000)),
        )

    def _needed(self, right: str) -> str:
        if right == LIST:
            return f"burgee needs {LIST} on the bucket {self.address.bucket}"
        needed = f"burgee needs {right} on {self.address.bucket}/{self.address.prefix}*"
        return f"{needed}, and {MISSING_OR_DENIED}" if right == GET else needed
