"""The hooks of hosted repositories: what Git asks before it takes a push, and tells after it.

Law: a push is taken only if `check` said so in the end; anything that breaks on the way rejects it.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import shlex
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..core.errors import BurgeeError, InvalidRequest
from ..serve.message import Request, Response
from . import hook_relay

PRE_RECEIVE = "pre-receive"
POST_RECEIVE = "post-receive"
_SECRET_HEADER = "burgee-hook-secret"
_TEXT = (("content-type", "text/plain; charset=utf-8"),)
_log = logging.getLogger("burgee.host")


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref of a push: `old` is None for a new ref, `new` is None for one that is deleted."""

    ref: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Push:
    """What a hook was told: the repository's name, the updates, the folders that hold the new objects until the push is
    taken, and what `git push -o` said."""

    repository: str
    updates: tuple[RefUpdate, ...]
    object_directories: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()


Check: TypeAlias = Callable[[Push], Generator[str, None, bool]]
"""Yields lines for the one who pushes, and returns whether the push is taken."""

Publish: TypeAlias = Callable[[Push], Iterator[str]]
"""Yields lines for the one who pushed, once the updates have been made."""


class HookRoutes:
    """Answers `<hooks>/pre-receive` and `<hooks>/post-receive`; only hooks of this run know the secret to call them."""

    def __init__(self, check: Check, publish: Publish, *, secret: str) -> None:
        self._check = check
        self._publish = publish
        self._secret = secret.encode()

    def __call__(self, request: Request) -> Response:
        given = request.headers.get(_SECRET_HEADER, "").encode()
        if not hmac.compare_digest(given, self._secret):
            return Response(403, _TEXT, b"only the hooks of this host may call this\n")
        if request.method != "POST":
            return Response(405, (*_TEXT, ("allow", "POST")), b"hooks are called with POST\n")
        hook = request.path.rpartition("/")[2]
        if hook not in (PRE_RECEIVE, POST_RECEIVE):
            return Response(404, _TEXT, b"there are the hooks pre-receive and post-receive\n")
        push = _parse(request.body)
        lines = self._check(push) if hook == PRE_RECEIVE else _accepted(self._publish(push))
        return Response(200, _TEXT, _told(lines))


def new_secret() -> str:
    """A secret for one run of the host."""
    return secrets.token_urlsafe(32)


def install_hooks(bare: Path, *, python: str = sys.executable) -> None:
    """Write both hooks of a bare repository, for this interpreter and this installation; no other file stays there."""
    folder = bare / "hooks"
    folder.mkdir(exist_ok=True)
    relay = str(Path(hook_relay.__file__).resolve())
    for hook in (PRE_RECEIVE, POST_RECEIVE):
        command = shlex.join([python, "-I", "-S", relay, hook])
        aside = folder / f".{hook}.new"
        aside.write_text(f"#!/bin/sh\n# Written by burgee at each start.\nexec {command}\n")
        aside.chmod(0o755)
        aside.replace(folder / hook)
    for other in folder.iterdir():
        if other.name in (PRE_RECEIVE, POST_RECEIVE):
            continue
        if other.is_dir() and not other.is_symlink():
            shutil.rmtree(other)
        else:
            other.unlink()


def _told(lines: Generator[str, None, bool]) -> Iterator[bytes]:
    """The answer of `hook_relay`'s protocol: each line at once, and the verdict in the end."""
    verdict = False
    with closing(lines):
        try:
            while True:
                yield _encoded(next(lines))
        except StopIteration as end:
            verdict = end.value is True
        except BurgeeError as error:
            yield _encoded(str(error))
        except Exception:
            _log.exception("a hook failed")
            yield _encoded("burgee: internal error; the log of the host says more")
    yield b"= accepted\n" if verdict else b"= rejected\n"


def _accepted(lines: Iterator[str]) -> Generator[str, None, bool]:
    yield from lines
    return True


def _encoded(text: str) -> bytes:
    lines = text.splitlines() or [""]
    return b"".join(b"| " + line.encode("utf-8", "replace") + b"\n" for line in lines)


def _parse(body: bytes) -> Push:
    repository = ""
    updates: list[RefUpdate] = []
    folders: list[Path] = []
    options: list[str] = []
    for line in body.decode("utf-8", "surrogateescape").split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "repository":
            repository = rest
        if kind == "objects":
            folders.append(Path(rest))
        if kind == "option":
            options.append(rest)
        if kind == "update":
            updates.append(_update(rest))
    if not repository:
        raise InvalidRequest("a hook's question names no repository; install the hooks again by starting the host")
    return Push(repository, tuple(updates), tuple(folders), tuple(options))


def _update(line: str) -> RefUpdate:
    parts = line.split(" ", 2)
    if len(parts) != 3:
        raise InvalidRequest(f"wanted an update such as 'OLD NEW REF', got {line!r}")
    old, new, ref = parts
    return RefUpdate(ref, old if set(old) != {"0"} else None, new if set(new) != {"0"} else None)
