"""The publish function on Google Cloud: Pub/Sub pushes messages to it, and again those that it did not take."""

from __future__ import annotations

import os
from collections.abc import Mapping

import functions_framework
from cloudevents.http import CloudEvent
from flask import request

from burgee.control.desk import open_desk
from burgee.control.publishing import Batch
from burgee.fetch.clock import SystemClock
from burgee.queue.pubsub import received_from
from burgee.serve.lines import count, info
from burgee.settings import read_settings


def _say(line: str, fields: Mapping[str, object]) -> None:
    print(info(line, fields), flush=True)


def _count(name: str) -> None:
    print(count(name), flush=True)


_DESK = open_desk(read_settings(os.environ), os.environ, say=_say, count=_count)


@functions_framework.cloud_event
def handler(event: CloudEvent) -> None:
    """What Google Cloud calls with a message; one for which this raises comes again."""
    Batch(_DESK).take(received_from(event.data, request.get_json(silent=True), now=SystemClock.wall()))
