"""What looking for credentials does outside: files and services of this machine, and its clock."""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import InvalidDocument, Unavailable
from .connections import Connections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .connections import Patience, Reply

_FILE_BYTES = 1024 * 1024
_ANSWER_BYTES = 65_536

Rim = namedtuple("Rim", "read ask now")
Rim.__doc__ = """`read(path)` gives bytes or raises OSError, `ask(method, url, headers, body, patience)` a Reply or
raises Unavailable, `now()` milliseconds since the epoch."""


def system_rim(now: Callable[[], int]) -> Rim:
    """Files and services of this machine, by the clock `now`."""
    return Rim(_read, _ask, now)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than all of this
        return file.read(_FILE_BYTES)


def _ask(method: str, url: str, headers: dict[str, str], body: bytes, patience: Patience) -> Reply:
    connections = Connections(patience)
    try:
        return connections.ask(method, url, headers, body, max_bytes=_ANSWER_BYTES, deadline=connections.deadline())
    except InvalidDocument as error:
        raise Unavailable(str(error)) from error
    finally:
        connections.close()
