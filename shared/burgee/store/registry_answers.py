"""Answers of a registry, read within bounds and let go of, so that connections are used again."""

from __future__ import annotations

from contextlib import suppress

from requests import RequestException, Response

from ..core.errors import InvalidDocument

_CHUNK = 65_536
_BEGINNING = 16_384


def content_of(response: Response, *, max_bytes: int, name: str) -> bytes:
    """The whole of an answer. Raises InvalidDocument when it is longer, a RequestException when it does not come."""
    size, pieces = 0, []
    with response:
        for piece in response.iter_content(_CHUNK):
            size += len(piece)
            pieces.append(piece)
            if size > max_bytes:
                raise InvalidDocument(f"{name}: {size} bytes or more, wanted at most {max_bytes}")
    return b"".join(pieces)


def beginning_of(response: Response) -> bytes:
    """What a refusal says, as far as it comes; its status counts, also when the connection breaks."""
    found = b""
    with response, suppress(RequestException):
        for piece in response.iter_content(_CHUNK):
            found += piece
            if len(found) >= _BEGINNING:
                break
    return found[:_BEGINNING]
