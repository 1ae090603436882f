"""Announcing: readers are told of a new release, so that they look at the store now and not at the end of their TTL.

Law: an announcement is a courtesy. It takes a bounded time, and nothing that goes wrong with it makes a publish fail:
readers look by themselves anyway.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Thread
from urllib.parse import urlsplit

import urllib3

from ..bundle.release import Release
from ..core.signature import HEADER, sign
from ..core.visible import visible
from ..git.http import broken_by
from .receipt import Receipt

SECONDS = 3.0
_LARGEST_ANSWER = 64 * 1024
_SHOWN = 200
# What a call says until it has an answer; a subclass of the second is a connection that was refused.
_TIMED_OUT = (urllib3.exceptions.ReadTimeoutError, urllib3.exceptions.ConnectTimeoutError)


@dataclass(slots=True)
class _Call:
    """One hook that is told of one release: whether it was, and what it said or what went wrong."""

    url: str
    release: Release
    told: bool = False
    said: str = f"no answer within {SECONDS:g} seconds"

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        release = f"release {self.release.revision} of {self.release.environment}"
        if self.told:
            return f"told {place} of {release}: {self.said}"
        return f"could not tell {place} of {release}: {visible(self.said)[:_SHOWN]}; it will look by itself"


def announce(receipts: Iterable[Receipt], urls: Sequence[str], secret: str, *, now: Callable[[], int]) -> list[str]:
    """Tell the refresh hooks at `urls` of the releases that were made; a line for each call, told or not."""
    released = [receipt.release for receipt in receipts if receipt.outcome == "published" and receipt.release]
    calls = [_Call(url, release) for url in urls for release in released]
    # Daemons: what no time-out bounds, as the search for a host's address, may not hold the end of the process up.
    threads = [Thread(target=_tell, args=(call, secret, now), daemon=True) for call in calls]
    deadline = time.monotonic() + SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [str(call) for call in calls]


def _tell(call: _Call, secret: str, now: Callable[[], int]) -> None:
    body = json.dumps({"environment": call.release.environment, "revision": call.release.revision}).encode()
    headers = {"content-type": "application/json", HEADER: sign(secret, body, now())}
    with urllib3.PoolManager(timeout=SECONDS, retries=False) as pool:
        try:
            response = pool.request("POST", call.url, body=body, headers=headers, preload_content=False, redirect=False)
            # As it comes: what is compressed may be a thousand times as large.
            content = response.read(_LARGEST_ANSWER, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if type(error) not in _TIMED_OUT:
                call.said, _ = broken_by(error)
            return
    call.said = _answer(response.status, content)
    call.told = response.status in (200, 202)


def _answer(status: int, content: bytes) -> str:
    if status == 200:
        return "it has it"
    if status == 202:
        return "it does not see it yet"
    return f"status {status}, {content.decode('utf-8', 'replace').strip() or 'nothing said'}"
