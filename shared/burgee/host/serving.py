"""The evaluate API as a long-running process, from any store."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from time import perf_counter

from ..fetch.clock import SystemClock, system_random
from ..fetch.environments import Environments
from ..fetch.opening import open_fetcher
from ..serve.app import App
from ..serve.service import Service
from ..settings import Settings
from .listener import Listener, Options

Say = Callable[[str], None]


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
    listener.run_until_signal()
    say("stopped")


def _new_id() -> str:
    """A random UUID, version 4."""
    digits = list(secrets.token_hex(16))
    digits[12], digits[16] = "4", "89ab"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
