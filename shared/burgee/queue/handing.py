"""Handing over what was received together."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress

from ..core.errors import BurgeeError
from .port import Received


def handed_over(received: list[Received], postpone: Callable[[str, int], object]) -> Generator[Received]:
    """One after the other; what is left when nobody wants more can be received by others at once."""
    try:
        while received:
            yield received.pop(0)
    finally:
        for rest in received:
            with suppress(BurgeeError):
                postpone(rest.receipt, 0)
