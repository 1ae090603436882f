"""One bucket and who asks it: in which region it is, what time it is there, and what its faults mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from time import time
from typing import Any

from botocore.exceptions import BotoCoreError

from ..bundle.s3_address import S3Address
from ..bundle.s3_refusals import MISSING_OR_DENIED
from ..core.errors import BurgeeError
from ..core.instant import format_instant
from .remote import Right
from .s3_faults import Fault, answer_of, date_of, elsewhere, fault, may_pass, nobody
from .server_clock import ServerClock

# The rights that requests need, as policies name them.
_RIGHTS: Mapping[Right, str] = {"read": "s3:GetObject", "write": "s3:PutObject", "list": "s3:ListBucket"}


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
        now: Callable[[], float] = time,
    ) -> None:
        """`connect` is called by the first request, and gives who asks in a region; `endpoint` is for messages.

        `now` gives seconds since the epoch.
        """
        self.address = address
        self.region = region
        self._endpoint = endpoint
        self._connect = connect
        self._now = now
        self._asker: Asker | None = None
        self._lock = Lock()
        self._clock = ServerClock(now)

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

    def client(self) -> Any:
        """The client to ask by. Raises as `asker` does."""
        return self.asker().client

    def passes(self, error: Fault) -> bool:
        """Whether another attempt may do better: the fault may pass, or the bucket was asked for in another region."""
        self.note(answer_of(error))
        region = elsewhere(error)
        if region is None or region == self.region:
            return may_pass(error)
        with self._lock:
            self.region, self._asker = region, None
        return True

    def note(self, answer: Mapping[str, Any]) -> None:
        """Remember what time an answer says it is."""
        self._clock.note(date_of(answer))

    def clock_difference(self) -> float | None:
        """Seconds by which the server's clock is ahead of this machine's, by its last answer; None before one."""
        return self._clock.difference()

    def fault(self, attempt: str, right: Right, failed: Fault) -> BurgeeError:
        """What to tell a person of `failed`; `right` is what may be missing."""
        return fault(
            f"{attempt} at {self.place}",
            failed,
            asker=self.asker().shown,
            needed=self._needed(right),
            now=format_instant(int(self._now() * 1000)),
        )

    def _needed(self, right: Right) -> str:
        if right == "list":
            return f"burgee needs {_RIGHTS[right]} on the bucket {self.address.bucket}"
        needed = f"burgee needs {_RIGHTS[right]} on {self.address.bucket}/{self.address.prefix}*"
        return f"{needed}, and {MISSING_OR_DENIED}" if right == "read" else needed
