"""The evaluate function on Azure Functions, at every address of its function app."""

from __future__ import annotations

import logging
import os

import azure.functions as func

from burgee.serve.azure_http import answer
from burgee.serve.lines import warning
from burgee.serve.opening import open_function
from burgee.settings import read_settings

_LOGGER = logging.getLogger("burgee")
# Made while the worker starts, so that no request waits for it.
_APP, _after = open_function(read_settings(os.environ), os.environ, say=lambda line: _LOGGER.warning(warning(line)))

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="{*route}")
def evaluate(req: func.HttpRequest) -> func.HttpResponse:
    """What Azure calls for each request."""
    result = answer(_APP, req, func.HttpResponse)
    _after()
    return result
