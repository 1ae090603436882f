"""From settings to the webhook, and what that has in common with whatever works its queue.

Law: the webhook begins with what it needs; nothing of the rooms that read files and publish is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.errors import ConfigurationError
from ..fetch.clock import SystemClock
from ..queue.opening import open_queue
from ..settings import Settings
from ..store.opening import open_store
from .webhook import Deployment, Say, Webhook


def open_webhook(settings: Settings, environ: Mapping[str, str], *, say: Say) -> Webhook:
    """The webhook that the settings describe; asks nobody yet. Raises ConfigurationError."""
    return Webhook(
        secret=needed(settings.webhook_secret, "BURGEE_WEBHOOK_SECRET", "what the Git host signs events with"),
        deployment=Deployment(repository_of(settings), settings.config_ref),
        queue=open_queue(queue_of(settings), environ=environ, in_haste=True),
        store=open_store(store_of(settings), environ=environ, in_haste=True),
        now=SystemClock.wall,
        say=say,
    )


def repository_of(settings: Settings) -> str:
    """The URL of the repository. This and the next two raise ConfigurationError when it is not set."""
    return needed(settings.repository, "BURGEE_REPOSITORY", "the URL of the repository")


def store_of(settings: Settings) -> str:
    """The URL of the store."""
    return needed(settings.store, "BURGEE_STORE", "the URL of the store, such as s3://bucket/prefix")


def queue_of(settings: Settings) -> str:
    """The URL of the queue."""
    return needed(settings.queue, "BURGEE_QUEUE", "the URL of the queue")


def needed(value: str | None, name: str, what: str) -> str:
    """`value`. Raises ConfigurationError when there is none."""
    if not value:
        raise ConfigurationError(f"{name} is not set: {what}")
    return value
