"""From a URL to a queue."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.errors import ConfigurationError
from .port import Queue


def open_queue(url: str, *, environ: Mapping[str, str]) -> Queue:
    """The queue at `url`, as Amazon SQS gives it: `https://sqs.<region>.amazonaws.com/<account>/<name>.fifo`.

    `environ` is where credentials are found; no connection is opened. Raises ConfigurationError for a URL of none.
    """
    if url.startswith(("https://", "http://")) and url.endswith(".fifo"):
        from .sqs import open_sqs

        return open_sqs(url, environ=environ)
    raise ConfigurationError(
        f"a queue is named by the URL of an SQS queue that keeps order, so one that ends with .fifo, got {url!r}"
    )
