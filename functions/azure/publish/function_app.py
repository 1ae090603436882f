"""The publish functions on Azure Functions: one works the queue of pushes and ticks, one is the timer that ticks."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

import azure.functions as func

from burgee.control.desk import open_desk
from burgee.control.publishing import Batch
from burgee.control.tick import open_ticker
from burgee.fetch.clock import SystemClock
from burgee.queue.storage_queue import received_from
from burgee.serve.lines import count, info
from burgee.settings import read_settings

# What Azure's own clients say of each of their requests is not for this log.
logging.getLogger("azure").setLevel(logging.WARNING)
_LOGGER = logging.getLogger("burgee")


def _say(line: str, fields: Mapping[str, object]) -> None:
    _LOGGER.info(info(line, fields))


def _count(name: str) -> None:
    _LOGGER.info(count(name))


_SETTINGS = read_settings(os.environ)
_DESK = open_desk(_SETTINGS, os.environ, say=_say, count=_count)
_tick = open_ticker(_SETTINGS, os.environ, now=SystemClock.wall)

app = func.FunctionApp()


@app.queue_trigger(arg_name="msg", queue_name=_DESK.queue.url.rpartition("/")[2], connection="BurgeeQueue")
def publish(msg: func.QueueMessage) -> None:
    """What Azure calls with a message; one for which this raises comes again."""
    Batch(_DESK).take(received_from(msg))


@app.timer_trigger(arg_name="timer", schedule="%RECONCILE_SCHEDULE%")
def reconcile(timer: func.TimerRequest) -> None:
    """What Azure calls when the timer is due."""
    _tick()
