"""All mirrors of a publish, each by itself and at the same time.

Law: mirrors come after the primary. One that fails, or takes too long, is said in the receipt and holds nothing back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Thread

from ..core.errors import BurgeeError
from .mirror import bring
from .publisher import Publisher
from .receipt import Mirrored

# All of them together, so that a mirror that hangs does not cost a function its time.
SECONDS = 60.0


@dataclass(slots=True)
class _Copy:
    """One environment on its way to one mirror: the revision that is there, or what went wrong."""

    environment: str
    url: str
    revision: int | None = None
    fault: str | None = "not done in time"


def mirror_releases(
    publisher: Publisher, wanted: Mapping[str, Sequence[str]], *, seconds: float = SECONDS
) -> dict[str, tuple[Mirrored, ...]]:
    """What became of each environment at each of its mirrors; `wanted` maps environments to URLs."""
    urls = list(dict.fromkeys(url for mirrors in wanted.values() for url in mirrors))
    copies = {
        url: [_Copy(environment, url) for environment, mirrors in wanted.items() if url in mirrors] for url in urls
    }
    # Daemons: what no time-out bounds may not hold the end of the process up.
    threads = [Thread(target=_bring_all, args=(publisher, url, copies[url]), daemon=True) for url in urls]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {
        environment: tuple(
            Mirrored(copy.url, copy.revision, copy.fault)
            for url in mirrors
            for copy in copies[url]
            if copy.environment == environment
        )
        for environment, mirrors in wanted.items()
    }


def _bring_all(publisher: Publisher, url: str, copies: Sequence[_Copy]) -> None:
    for copy in copies:
        try:
            copy.revision = _brought(publisher, url, copy.environment)
            copy.fault = None
        except BurgeeError as error:
            copy.fault = str(error)
        except Exception as error:
            # A library that stumbles over a mirror's answer is that mirror's fault, and no other's.
            copy.fault = f"{type(error).__name__}: {error}"


def _brought(publisher: Publisher, url: str, environment: str) -> int:
    mirror = publisher.open_mirror(url)
    return bring(publisher.store, mirror, environment, now=publisher.rim.now, pause=publisher.pause)
