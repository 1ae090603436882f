"""The webhook function on Azure Functions, at every address of its function app: a host's events go into the queue."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

import azure.functions as func

from burgee.control.opening import open_webhook
from burgee.serve.azure_http import answer
from burgee.serve.lines import info
from burgee.settings import read_settings

# What Azure's own clients say of each of their requests is not for this log.
logging.getLogger("azure").setLevel(logging.WARNING)
_LOGGER = logging.getLogger("burgee")


def _say(line: str, fields: Mapping[str, object]) -> None:
    _LOGGER.info(info(line, fields))


_WEBHOOK = open_webhook(read_settings(os.environ), os.environ, say=_say)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="{*route}")
def webhook(req: func.HttpRequest) -> func.HttpResponse:
    """What Azure calls for each event."""
    return answer(_WEBHOOK, req, func.HttpResponse)
