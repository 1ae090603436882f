"""The evaluate API as a long-running process, from any store."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from threading import Event, Thread
from time import perf_counter

from ..core.errors import BurgeeError
from ..fetch.clock import SystemClock, system_random
from ..fetch.environments import Environments
from ..fetch.live import Live
from ..fetch.opening import open_fetcher
from ..serve.app import App
from ..serve.service import Service
from ..settings import Settings
from .listener import Listener, Options

Say = Callable[[str], None]
_JOIN_SECONDS = 5.0


def service_for(environments: Environments, digests: frozenset[str] | None) -> Service:
    """A service on this machine's clock; `digests` are those of the tokens that may ask, None lets everybody."""
    return Service(
        environments,
        now=SystemClock.wall,
        timer=lambda: perf_counter() * 1000,
        new_id=_new_id,
        token_digests=digests,
    )


def serve_store(url: str, settings: Settings, *, digests: frozenset[str] | None, options: Options, say: Say) -> None:
    """Serve evaluation from the store at `url` until Ctrl-C or SIGTERM."""
    environments = Environments(
        open_fetcher(url),
        ttl_ms=settings.ttl_ms,
        clock=SystemClock(),
        random=system_random,
        only=settings.environment,
    )
    listener = Listener(App(service_for(environments, digests)), options=options)
    listener.bind()
    say(f"burgee serves {url} at {listener.url} (status: {listener.url}/status); Ctrl-C stops it")
    stop = Event()
    following = Thread(target=follow, args=(environments, settings.ttl_ms / 1000, say, stop), daemon=True)
    following.start()
    try:
        listener.run_until_signal()
    finally:
        stop.set()
        following.join(_JOIN_SECONDS)
    say("stopped")


def follow(environments: Environments, seconds: float, say: Say, stop: Event) -> None:
    """Look at every environment once in so many seconds, asked or not, and say what has changed; until `stop`."""
    said: dict[str, str] = {}
    while True:
        for name, state in _states(environments):
            if said.get(name) != state:
                said[name] = state
                say(f"{name}: {state}")
        if stop.wait(seconds):
            return


def _states(environments: Environments) -> list[tuple[str, str]]:
    try:
        return [(name, _state(environments.live(name))) for name in environments.names()]
    except BurgeeError as error:
        return [("store", str(error))]


def _state(live: Live) -> str:
    try:
        release = live.current().release
    except BurgeeError as error:
        return str(error)
    fault = live.status().last_error
    answers = f"release {release.revision} {release.bundle[:19]}"
    return f"{answers} goes on answering, the last look failed: {fault}" if fault else f"{answers} answers"


def _new_id() -> str:
    """A random UUID, version 4."""
    digits = list(secrets.token_hex(16))
    digits[12], digits[16] = "4", "89ab"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
