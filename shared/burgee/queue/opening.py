"""From a URL to a queue."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.errors import ConfigurationError
from .port import Queue


def open_queue(url: str, *, environ: Mapping[str, str], in_haste: bool = False) -> Queue:
    """The queue at `url`, as the cloud gives it.

    Amazon SQS: `https://sqs.<region>.amazonaws.com/<account>/<name>.fifo`; Azure Storage:
    `https://<account>.queue.core.windows.net/<queue>`; Pub/Sub: `pubsub://<project>/<topic>?subscription=<name>`.
    `environ` is where credentials are found; no connection is opened; `in_haste` is for those who are waited for, and
    gives the queue some six seconds. Raises ConfigurationError for a URL of none.
    """
    if url.startswith("pubsub:"):
        from .pubsub import open_pubsub

        return open_pubsub(url, environ=environ, in_haste=in_haste)
    if url.startswith(("https://", "http://")) and url.endswith(".fifo"):
        from .sqs import open_sqs

        return open_sqs(url, environ=environ, in_haste=in_haste)
    from .storage_queue import is_storage_queue, open_storage_queue

    if is_storage_queue(url):
        return open_storage_queue(url, environ=environ, in_haste=in_haste)
    raise ConfigurationError(
        "a queue is named by the URL of an SQS queue that keeps order, so one that ends with .fifo, by that of an "
        "Azure Storage queue, https://<account>.queue.core.windows.net/<queue>, or as "
        f"pubsub://<project>/<topic>?subscription=<name>, got {url!r}"
    )
