"""Forked children of a test, which end by themselves."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable

SECONDS = 20


def in_a_child(succeeds: Callable[[], bool]) -> bool:
    """Whether `succeeds` is true in a forked child, within a few seconds."""
    with warnings.catch_warnings():
        # Python 3.12 warns of exactly what is tested here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        code = 1
        try:
            code = 0 if succeeds() else 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0
