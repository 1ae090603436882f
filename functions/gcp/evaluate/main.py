"""The evaluate function on Google Cloud, behind its HTTPS address."""

from __future__ import annotations

import os

import functions_framework
from flask import Request, current_app
from flask.typing import ResponseReturnValue

from burgee.serve.flask_http import answer, keep_slashes
from burgee.serve.lines import warning
from burgee.serve.opening import open_function
from burgee.settings import read_settings

# Made while the instance starts, so that no request waits for it.
_APP, _after = open_function(read_settings(os.environ), os.environ, say=lambda line: print(warning(line), flush=True))
# While the framework imports this module, its app has no routes yet.
keep_slashes(current_app)


@functions_framework.http
def handler(request: Request) -> ResponseReturnValue:
    """What Google Cloud calls for each request."""
    result = answer(_APP, request)
    _after()
    return result
