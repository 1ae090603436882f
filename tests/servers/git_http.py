"""A Git smart-HTTP server on loopback that wants a token, and counts what it sends."""

from __future__ import annotations

import base64
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from burgee.host.asgi import Receive, Scope, Send, send_text
from burgee.host.command import find_git
from burgee.host.githttp import GitHttp
from burgee.host.listener import Listener, Options
from burgee.serve.message import Request, Response

from .git_cli import ENVIRON


@dataclass(slots=True)
class Traffic:
    """What has been asked (method and path) and how many bytes of bodies were answered."""

    requests: list[str] = field(default_factory=list)
    sent: int = 0

    def fetches(self) -> int:
        return sum(request == "POST" for request, _, _ in (line.partition(" ") for line in self.requests))

    def forget(self) -> None:
        self.requests.clear()
        self.sent = 0


@dataclass(frozen=True, slots=True)
class GitServer:
    """`url` is the folder of repositories: `<url>/<name>.git`."""

    url: str
    traffic: Traffic


@contextmanager
def git_server(root: Path, *, token: str | None = None, refusal: int = 401) -> Iterator[GitServer]:
    """Serves the bare repositories `<name>.git` in `root` under `/git/`.

    With a token, requests without it are answered 401, those with another one with `refusal`.
    """
    traffic = Traffic()
    application = _guarded(GitHttp(root, git=find_git(ENVIRON)), token, refusal, traffic)
    with Listener(_nothing, routes={"/git": application}, options=Options(port=0)) as listener:
        yield GitServer(f"{listener.url}/git", traffic)


def _guarded(application: GitHttp, token: str | None, refusal: int, traffic: Traffic) -> Any:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: MutableMapping[str, Any]) -> None:
            traffic.sent += len(message.get("body", b""))
            await send(message)

        traffic.requests.append(f"{scope['method']} {scope['path']}")
        given = _password(dict(scope["headers"]).get(b"authorization", b"").decode())
        if token is not None and given != token:
            await send_text(send, 401 if given is None else refusal, "a token is wanted", closing=True)
            return
        await application(scope, receive, counted)

    return guarded


def _password(authorization: str) -> str | None:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    return base64.b64decode(value).decode().partition(":")[2]


def _nothing(_: Request) -> Response:
    return Response(404, (), b"")
