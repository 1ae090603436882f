"""The laptop loop: one port with the evaluate API and a Git repository, where a push becomes an answer."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from ..control.rim import system_rim
from ..control.sealing import open_sealing
from ..core.errors import BurgeeError, ConfigurationError
from ..deliver.built import Built
from ..deliver.publisher import Options
from ..deliver.sealing import Sealing
from ..fetch.clock import SystemClock, system_random
from ..fetch.environments import Environments
from ..fetch.opening import open_fetcher
from ..serve.app import App
from ..serve.cors import LOCAL, Cors
from ..serve.opening import service_over
from ..settings import read_settings
from ..store.opening import open_store
from ..store.port import Store
from .answering import Answering
from .asgi import Application
from .beside import FolderBeside
from .command import Git, find_git
from .following import Following
from .githttp import HOOKS, PREFIX, GitHttp, repository_name
from .hooks import HookRoutes, new_secret
from .listener import Listener, allow_open_files
from .listener import Options as ListenerOptions
from .past import Past
from .pushes import Pushes
from .reconcile import Reconciler
from .seed import seed
from .streaming import Streaming
from .watch import tell, watch_folder

TTL_MS = 1_000
_WATCHER_SECONDS = 0.3
_TIMING = re.compile(r" \(\d+ ms\)$")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Dev:
    """What to host: a folder, where state is kept, on which port (0: any), and whether the two are kept alike.

    Pages of `cors_origins` may ask, without any those of this machine.
    """

    folder: Path
    directory: Path
    port: int
    watch: bool = False
    allowed_mirrors: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()


def run_dev(dev: Dev, *, say: Say, environ: Mapping[str, str]) -> None:
    """Host until Ctrl-C or SIGTERM; the next start goes on with the same repository and release log."""
    with hosting(dev, say=say, environ=environ) as listener:
        listener.run_until_signal()
        say("stopped; the next start goes on with the same release log")


@contextmanager
def hosting(dev: Dev, *, say: Say, environ: Mapping[str, str]) -> Iterator[Listener]:
    """The listener of a host that has published what its repository says, and goes on until the context ends.

    Raises ConfigurationError when git is missing, the port is taken, or another host uses the state folder.
    """
    git = find_git(environ)
    if dev.directory.resolve() == dev.folder.resolve():
        raise ConfigurationError(f"state cannot be kept in {dev.folder} itself, it would be hosted; name another --dir")
    name = _name_of(dev.folder)
    bare = dev.directory / "git" / f"{name}.git"
    with ExitStack() as stack:
        stack.enter_context(_alone(dev.directory))
        seeded = seed(dev.folder, bare, git=git)
        store = open_store(_store_url(dev))
        fetcher = open_fetcher(_store_url(dev))
        environments = Environments(fetcher, ttl_ms=TTL_MS, clock=SystemClock(), random=system_random)
        beside = FolderBeside(bare, dev.folder, git=git)
        streaming = Streaming()
        following = Following(
            environments, ttl_ms=TTL_MS, clock=SystemClock(), tell=streaming.tell, say=lambda state: None
        )
        sealing = open_sealing(read_settings(environ), environ)
        pushes = _pushes(dev, bare, store, beside, sealing, say, released=partial(_see, environments, following))
        past = Past(fetcher, environments, gate=None, now=SystemClock.wall)
        listener = stack.enter_context(_listening(dev, git, bare.parent, environments, past, pushes, streaming))
        allow_open_files()
        for line in (*_welcome(dev, name, listener.url, seeded), *_indented(pushes.release())):
            say(line)
        stack.enter_context(following)
        reconciler = Reconciler(store, now=SystemClock.wall, publish=pushes.tick)
        reconciler.start()
        stack.callback(reconciler.stop)
        if dev.watch:
            stack.enter_context(_watching(dev, pushes, say))
        elif differing := beside.differing():
            say(f"  note: the folder is not what the repository has ({differing}); push it, or use --watch")
        yield listener


def _store_url(dev: Dev) -> str:
    return (dev.directory / "store").as_uri()


def _see(environments: Environments, following: Following) -> None:
    environments.refresh()
    following.wake()


def _pushes(
    dev: Dev,
    bare: Path,
    store: Store,
    beside: FolderBeside,
    sealing: Sealing,
    say: Say,
    *,
    released: Callable[[], None],
) -> Pushes:
    return Pushes(
        name=_name_of(dev.folder),
        bare=bare,
        store=store,
        rim=system_rim(),
        built=Built(),
        publishing=Lock(),
        options=Options(allowed_mirrors=dev.allowed_mirrors),
        sealing=sealing,
        released=released,
        say=say,
        beside=beside if dev.watch else None,
    )


def _listening(
    dev: Dev, git: Git, root: Path, environments: Environments, past: Past, pushes: Pushes, streaming: Streaming
) -> Listener:
    secret = new_secret()
    hooks = HookRoutes(pushes.check, pushes.publish, secret=secret)
    routes: dict[str, Application] = {PREFIX: GitHttp(root, git=git, secret=secret), HOOKS: Answering(hooks)}
    return Listener(
        App(service_over(environments, None, streams=True), cors=Cors(dev.cors_origins or LOCAL), past=past),
        routes=routes,
        options=ListenerOptions(port=dev.port, only_local_names=True),
        streaming=streaming,
    )


@contextmanager
def _watching(dev: Dev, pushes: Pushes, say: Say) -> Iterator[None]:
    """Take what is saved in the folder, until the context ends."""
    stop = Event()
    changed = _taking(pushes, say)
    watcher = Thread(
        target=watch_folder,
        args=(dev.folder, changed),
        kwargs={"stop": stop, "ignored": (dev.directory,)},
        name="burgee-watch",
        daemon=True,
    )
    watcher.start()
    # What was saved before the watcher was on its post is found by looking once it surely is.
    stop.wait(_WATCHER_SECONDS)
    tell(changed, frozenset())
    try:
        yield
    finally:
        stop.set()
        watcher.join(5.0)


def _taking(pushes: Pushes, say: Say) -> Callable[[frozenset[Path]], None]:
    """What takes the folder as it is and says what came of it; told which paths have changed, or none for a look."""
    told: list[str] = []

    def changed(paths: frozenset[Path]) -> None:
        try:
            lines = pushes.take_folder()
        except BurgeeError as error:
            lines = [str(error)]
        # A look without an event is repeated every second; what it finds again is not said again.
        found = [_TIMING.sub("", line) for line in lines]
        if paths or found != told:
            for line in _indented(lines):
                say(line)
        told[:] = found

    return changed


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the state folder for this process; the lock goes with the process, however it ends."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "dev.lock", os.O_RDWR | os.O_CREAT, 0o600)
        # The folder is often inside somebody's own repository, where `git add` should not find it.
        (directory / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"the state folder {directory} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        message = f"another burgee dev uses the state folder {directory}; stop it, or choose another with --dir"
        raise ConfigurationError(message) from error
    try:
        yield
    finally:
        os.close(lock)


def _name_of(folder: Path) -> str:
    name = repository_name(folder.name)
    if name is None:
        raise ConfigurationError(
            f"a repository cannot be named {folder.name!r}; rename the folder to letters, digits, dots and hyphens"
        )
    return name


def _welcome(dev: Dev, name: str, url: str, seeded: bool) -> Iterator[str]:
    made = "made from" if seeded else "continued; first made from"
    yield f"burgee dev: repository {name}, {made} {dev.folder}"
    yield ""
    yield f"  clone     git clone {url}{PREFIX}/{name}"
    yield "  push      edit a flag, commit, git push: the answer is on the `remote:` lines"
    yield f'  evaluate  curl {url}/evaluate/v1/boolean -d \'{{"flagKey":"...","entityId":"user-1"}}\''
    yield f"  look      {url}/status?pretty"
    if dev.watch:
        yield f"  watch     saved files in {dev.folder} become commits of this repository"
    yield f"  stop      Ctrl-C; to begin anew remove {dev.directory}"
    yield ""


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
