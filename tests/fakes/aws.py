"""Amazon's services as far as one answer each: no network, a clock that moves when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import NamedTuple

from burgee.core.errors import Unavailable
from burgee.fetch.connections import Connections, Deadline, Patience, Reply
from burgee.fetch.rim import Rim

from .clock import VirtualClock


class Asked(NamedTuple):
    """A request as it was made."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


Answer = tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]


def a_reply(url: str, answer: Answer) -> Reply:
    """The reply of status, body and headers."""
    status, content, *headers = answer
    message = Message()
    for name, value in (headers[0] if headers else {}).items():
        message[name] = value
    return Reply(url, status, "Said So", message, content)


def an_error(code: str, message: str = "", more: str = "") -> bytes:
    """The body of an error, as S3 writes it."""
    text = f"<Message>{message}</Message>" if message else ""
    return f'<?xml version="1.0"?>\n<Error><Code>{code}</Code>{text}{more}</Error>'.encode()


class FakeConnections(Connections):
    """Answers each GET with the next of `answers`, and notes what was asked."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[Asked] = []

    def get(self, url: str, headers: dict[str, str], *, max_bytes: int, deadline: Deadline) -> Reply:
        self.asked.append(Asked("GET", url, headers))
        return a_reply(url, self.answers.pop(0))


@dataclass
class FakeRim:
    """Files by path, and answers by `GET url`; whatever is in neither is not there."""

    files: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    clock: VirtualClock = field(default_factory=VirtualClock)
    asked: list[Asked] = field(default_factory=list)
    patience: list[Patience] = field(default_factory=list)

    def rim(self) -> Rim:
        return Rim(self.read, self.ask, self.clock.wall)

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path].encode()

    def ask(self, method: str, url: str, headers: dict[str, str], body: bytes, patience: Patience) -> Reply:
        asked = Asked(method, url, headers, body)
        self.asked.append(asked)
        self.patience.append(patience)
        answer = self.answers.get(f"{method} {url}")
        if answer is None:
            raise Unavailable(f"{method} {url}: Connection refused")
        return a_reply(url, answer(asked) if callable(answer) else answer)
