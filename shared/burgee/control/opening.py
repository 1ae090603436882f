"""From settings to what the functions of the control plane do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from random import random

from ..author.authored import ParsedFiles
from ..core.errors import ConfigurationError
from ..deliver.publish import publish
from ..deliver.publisher import Options, Publisher, Rim
from ..deliver.receipt import Receipt
from ..git.host import open_host
from ..git.repository import open_repository
from ..queue.opening import open_queue
from ..settings import Settings
from ..store.opening import open_store
from .publishing import Desk, Say, Statuses
from .webhook import Deployment, Webhook


def open_webhook(settings: Settings, environ: Mapping[str, str], *, say: Say) -> Webhook:
    """The webhook that the settings describe; asks nobody yet. Raises ConfigurationError."""
    return Webhook(
        secret=_needed(settings.webhook_secret, "BURGEE_WEBHOOK_SECRET", "what the Git host signs events with"),
        deployment=Deployment(_repository(settings), settings.config_ref),
        queue=open_queue(_queue(settings), environ=environ),
        store=open_store(_store(settings), environ=environ),
        now=now,
        say=say,
    )


def open_desk(settings: Settings, environ: Mapping[str, str], *, say: Say, count: Callable[[str], object]) -> Desk:
    """What works the queue that the settings describe; asks nobody yet. Raises ConfigurationError."""
    dead_letters = _needed(settings.dead_letters, "BURGEE_DEAD_LETTERS", "the URL of the queue for dead letters")
    host = open_host(
        _repository(settings), kind=settings.git_host, api=settings.git_api, token=settings.token, environ=environ
    )
    return Desk(
        publish=_publishing(settings, environ, say),
        statuses=Statuses(host, say),
        queue=open_queue(_queue(settings), environ=environ),
        dead_letters=open_queue(dead_letters, environ=environ),
        tries=settings.tries,
        say=say,
        count=count,
    )


def now() -> int:
    """The wall clock, in milliseconds."""
    return time.time_ns() // 1_000_000


def _publishing(settings: Settings, environ: Mapping[str, str], say: Say) -> Callable[[], tuple[Receipt, ...]]:
    """What publishes; it keeps the commits and files it has read for the next time."""
    repository = open_repository(_repository(settings), token=settings.token, environ=environ)
    rim = Rim(now=now, monotonic=lambda: time.monotonic_ns() // 1_000_000, random=random, sleep=time.sleep)
    options = Options(config_ref=settings.config_ref, allowed_mirrors=settings.allowed_mirrors)
    store = open_store(_store(settings), environ=environ)
    publisher = Publisher(repository, store, rim, options, ParsedFiles())

    def published() -> tuple[Receipt, ...]:
        receipts = publish(publisher)
        _announce(receipts, settings, say)
        return receipts

    return published


def _announce(receipts: tuple[Receipt, ...], settings: Settings, say: Say) -> None:
    if settings.refresh_urls and settings.refresh_secret:
        from ..deliver.announce import announce

        for line in announce(receipts, settings.refresh_urls, settings.refresh_secret, now=now):
            say(line, {})


def _repository(settings: Settings) -> str:
    return _needed(settings.repository, "BURGEE_REPOSITORY", "the URL of the repository")


def _store(settings: Settings) -> str:
    return _needed(settings.store, "BURGEE_STORE", "the URL of the store, such as s3://bucket/prefix")


def _queue(settings: Settings) -> str:
    return _needed(settings.queue, "BURGEE_QUEUE", "the URL of the queue")


def _needed(value: str | None, name: str, what: str) -> str:
    if not value:
        raise ConfigurationError(f"{name} is not set: {what}")
    return value
