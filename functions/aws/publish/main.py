"""The publish function on AWS Lambda: works the queue of pushes and ticks; what fails is received again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from burgee.control.desk import open_desk
from burgee.control.publishing import Batch
from burgee.control.secrets import Renewed, open_secrets
from burgee.fetch.clock import SystemClock
from burgee.queue.sqs import received_from
from burgee.settings import read_settings

_LOGGER, _METRICS = Logger(location=None), Metrics()


def _say(line: str, fields: Mapping[str, object]) -> None:
    _LOGGER.info(line, extra={"burgee": fields})


def _count(name: str) -> None:
    _METRICS.add_metric(name, MetricUnit.Count, 1)


_DESK = Renewed(
    lambda environ: open_desk(read_settings(environ), environ, say=_say, count=_count),
    os.environ,
    read=open_secrets(os.environ),
    now=SystemClock.wall,
    say=_say,
)


@_LOGGER.inject_lambda_context
@_METRICS.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    """What AWS calls with a batch of messages."""
    batch = Batch(_DESK())
    return process_partial_response(
        event=event,
        record_handler=lambda record: batch.take(received_from(record.raw_event)),
        # Each message is told when to come back, and not only the first that fails: all of them block their group.
        processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )
