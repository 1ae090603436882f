"""The webhook function on AWS Lambda, behind a function URL: a Git host's events go into the queue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from burgee.control.opening import open_webhook
from burgee.control.secrets import Renewed, open_secrets
from burgee.fetch.clock import SystemClock
from burgee.serve.function_url import answer
from burgee.settings import read_settings

_LOGGER = Logger(location=None)


def _say(line: str, fields: Mapping[str, object]) -> None:
    _LOGGER.info(line, extra={"burgee": fields})


_WEBHOOK = Renewed(
    lambda environ: open_webhook(read_settings(environ), environ, say=_say),
    os.environ,
    read=open_secrets(os.environ),
    now=SystemClock.wall,
    say=_say,
)


@_LOGGER.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What AWS calls for each event."""
    return answer(_WEBHOOK(), event)
