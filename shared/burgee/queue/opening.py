"""From a URL to a queue."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.errors import ConfigurationError
from .port import Queue


def open_queue(url: str, *, environ: Mapping[str, str], in_haste: bool = False) -> Queue:
    """The queue at `url`, as Amazon SQS gives it: `https://sqs.<region>.amazonaws.com/<account>/<name>.fifo`.

    `environ` is where credentials are found; no connection is opened; `in_haste` is for those who are waited for, and
    gives the queue some six seconds. Raises ConfigurationError for a URL of none.
    """
    if url.startswith(("https://", "http://")) and url.endswith(".fifo"):
        from .sqs import open_sqs

        return open_sqs(url, environ=environ, in_haste=in_haste)
    raise ConfigurationError(
        f"a queue is named by the URL of an SQS queue that keeps order, so one that ends with .fifo, got {url!r}"
    )
