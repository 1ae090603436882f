"""From settings to the desk at which the queue is worked: the repository, the store, the queues and the Git host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..deliver.built import Built
from ..deliver.mirrors import Mirrors
from ..deliver.publish import publish
from ..deliver.publisher import Options, Publisher
from ..deliver.receipt import Receipt
from ..git.host import open_host
from ..git.repository import open_repository
from ..queue.opening import open_queue
from ..settings import Settings
from ..store.opening import open_store
from .opening import needed, queue_of, repository_of, store_of
from .publishing import Desk, Say, Statuses
from .rim import system_rim
from .sealing import open_sealing


def open_desk(settings: Settings, environ: Mapping[str, str], *, say: Say, count: Callable[[str], object]) -> Desk:
    """What works the queue that the settings describe; asks nobody yet. Raises ConfigurationError."""
    dead_letters = needed(settings.dead_letters, "BURGEE_DEAD_LETTERS", "the URL of the queue for dead letters")
    host = open_host(
        repository_of(settings), kind=settings.git_host, api=settings.git_api, token=settings.token, environ=environ
    )
    return Desk(
        publish=_publishing(settings, environ, say),
        statuses=Statuses(host, say),
        queue=open_queue(queue_of(settings), environ=environ),
        dead_letters=open_queue(dead_letters, environ=environ),
        tries=settings.tries,
        say=say,
        count=count,
    )


def _publishing(settings: Settings, environ: Mapping[str, str], say: Say) -> Callable[[], Sequence[Receipt]]:
    """What publishes; it keeps the commits and files it has read for the next time."""
    repository = open_repository(repository_of(settings), token=settings.token, environ=environ)
    options = Options(
        config_ref=settings.config_ref, mirrors=settings.mirrors, allowed_mirrors=settings.allowed_mirrors
    )
    store = open_store(store_of(settings), environ=environ)
    rim = system_rim()
    publisher = Publisher(
        *(repository, store, rim, options, Built()),
        mirrors=Mirrors(partial(open_store, environ=environ, as_mirror=True)),
        sealing=open_sealing(settings, environ),
        note=lambda line: say(line, {}),
        tell=lambda receipts: _announce(receipts, settings, say, now=rim.now),
    )
    return lambda: publish(publisher)


def _announce(receipts: Sequence[Receipt], settings: Settings, say: Say, *, now: Callable[[], int]) -> None:
    if settings.refresh_urls and settings.refresh_secret:
        from ..deliver.announce import announce

        for line in announce(receipts, settings.refresh_urls, settings.refresh_secret, now=now):
            say(line, {})
