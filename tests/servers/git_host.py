"""A whole Git host on loopback, as `burgee dev` wires it: repositories, hooks and a listener."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from burgee.git.repository import open_repository
from burgee.host.answering import Answering
from burgee.host.asgi import Application
from burgee.host.command import Git, find_git
from burgee.host.githttp import GitHttp
from burgee.host.hooks import Check, HookRoutes, Publish, Push, RefUpdate, new_secret
from burgee.host.listener import Listener, Options
from burgee.serve.message import Request, Response

from .git_cli import ENVIRON

GIT = find_git(ENVIRON)


@dataclass(slots=True)
class Events:
    """What the hooks were told, in order."""

    checked: list[tuple[str, tuple[RefUpdate, ...]]] = field(default_factory=list)
    published: list[tuple[str, tuple[RefUpdate, ...]]] = field(default_factory=list)
    seen: list[tuple[str, ...]] = field(default_factory=list)

    def forget(self) -> None:
        for happened in (self.checked, self.published, self.seen):
            happened.clear()


@dataclass(frozen=True, slots=True)
class GitHost:
    url: str
    root: Path
    secret: str
    events: Events
    git: Git = GIT


@contextmanager
def git_host(root: Path, *, check: Check | None = None, publish: Publish | None = None) -> Iterator[GitHost]:
    """A host of the repositories in `root`.

    By default a push is rejected if it has a file `bad.yaml`, read from quarantine; `events` records all hooks.
    """
    events, secret = Events(), new_secret()
    hooks = HookRoutes(check or _checking(root, events), publish or _publishing(events), secret=secret)
    routes: dict[str, Application] = {"/git": GitHttp(root, git=GIT, secret=secret), "/-/hooks": Answering(hooks)}
    with Listener(_nothing, routes=routes, options=Options(port=0)) as listener:
        yield GitHost(f"{listener.url}/git", root, secret, events)


def _checking(root: Path, events: Events) -> Check:
    def check(push: Push) -> Generator[str, None, bool]:
        events.checked.append((push.repository, push.updates))
        yield f"checking {len(push.updates)} refs of {push.repository}"
        bare = root / f"{push.repository}.git"
        with open_repository(bare, object_directories=push.object_directories) as repository:
            for update in push.updates:
                if update.new is not None:
                    paths = tuple(entry.path for entry in repository.source(repository.resolve(update.new)).entries())
                    events.seen.append(paths)
                    if "bad.yaml" in paths:
                        yield "bad.yaml:1:1: it is bad; remove it"
                        return False
        yield "fine"
        return True

    return check


def _publishing(events: Events) -> Publish:
    def publish(push: Push) -> Iterator[str]:
        events.published.append((push.repository, push.updates))
        yield f"published {push.updates[0].ref}"

    return publish


def _nothing(request: Request) -> Response:
    return Response(404, (), f"nothing at {request.path}\n".encode())
