"""Answers of a registry, read within bounds and let go of, so that connections are used again."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from requests import RequestException, Response, Timeout

from ..core.errors import InvalidDocument

_CHUNK = 65_536
_BEGINNING = 16_384


def content_of(
    response: Response,
    *,
    max_bytes: int,
    name: str,
    seconds: float = 60.0,
    clock: Callable[[], float] = monotonic,
) -> bytes:
    """The whole of an answer. Raises InvalidDocument when it is longer, a Timeout when it takes longer."""
    begun, size, pieces = clock(), 0, []
    with response:
        for piece in response.iter_content(_CHUNK):
            size += len(piece)
            pieces.append(piece)
            if size > max_bytes:
                raise InvalidDocument(f"{name}: {size} bytes or more, wanted at most {max_bytes}")
            if clock() - begun > seconds:
                raise Timeout(f"not whole after {seconds:g} s")
    return b"".join(pieces)


def beginning_of(response: Response) -> bytes:
    """What a refusal says, as far as it comes; its status counts, also when the connection breaks."""
    with response:
        try:
            return next(response.iter_content(_BEGINNING), b"")
        except RequestException:
            return b""
