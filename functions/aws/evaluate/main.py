"""The evaluate function on AWS Lambda, behind a function URL or an HTTP API with payload 2.0."""

from __future__ import annotations

import os
import sys
from typing import Any

from burgee.serve.function_url import answer
from burgee.serve.opening import open_function
from burgee.settings import read_settings

# Made while the execution environment starts, so that no request waits for it.
_APP, _after = open_function(read_settings(os.environ), os.environ, say=lambda line: print(line, file=sys.stderr))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """What AWS calls for each request."""
    result = answer(_APP, event)
    _after()
    return result
