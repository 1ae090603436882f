"""Ticks of a timer that has no queue as its target: it is a function that puts them there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import gmtime, strftime

from ..queue.opening import open_queue
from ..queue.port import Message
from ..settings import Settings
from .job import Job, encode_job
from .opening import queue_of, repository_of
from .webhook import Deployment


def open_ticker(settings: Settings, environ: Mapping[str, str], *, now: Callable[[], int]) -> Callable[[], object]:
    """What puts one tick into the queue that the settings name, and raises what `send` raises; `now` is in ms.

    Raises ConfigurationError.
    """
    queue = open_queue(queue_of(settings), environ=environ)
    group = Deployment(repository_of(settings)).group

    def tick() -> str:
        instant = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(now() // 1000))
        return queue.send(Message(encode_job(Job("timer", tick=instant)), group, f"tick:{instant}"))

    return tick
