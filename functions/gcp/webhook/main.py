"""The webhook function on Google Cloud, behind its HTTPS address: a Git host's events go into the queue."""

from __future__ import annotations

import os
from collections.abc import Mapping

import functions_framework
from flask import Request, current_app
from flask.typing import ResponseReturnValue

from burgee.control.opening import open_webhook
from burgee.serve.flask_http import answer, keep_slashes
from burgee.serve.lines import info
from burgee.settings import read_settings


def _say(line: str, fields: Mapping[str, object]) -> None:
    print(info(line, fields), flush=True)


_WEBHOOK = open_webhook(read_settings(os.environ), os.environ, say=_say)
# While the framework imports this module, its app has no routes yet.
keep_slashes(current_app)


@functions_framework.http
def handler(request: Request) -> ResponseReturnValue:
    """What Google Cloud calls for each event."""
    return answer(_WEBHOOK, request)
