"""The evaluate API as a long-running process, from any store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from os import urandom
from socket import gethostname

from ..bundle.addresses import shown_url
from ..bundle.signed import read_public_key
from ..core.errors import ConfigurationError
from ..fetch.clock import SystemClock
from ..fetch.environments import Environments
from ..fetch.opening import open_fetchers
from ..serve.app import App
from ..serve.auth import Gate, open_gate
from ..serve.opening import open_cors, open_environments, open_verifier, service_over
from ..settings import Settings
from ..store.opening import open_store
from .answering import Answering
from .following import Following
from .listener import Listener, Options, allow_open_files
from .past import Past
from .refresh import LARGEST_HOOK, PATH, RefreshHook
from .repeating import Repeating
from .reporting import Reporting, name_of
from .streaming import Streaming

Say = Callable[[str], None]


def serve_store(
    url: str,
    settings: Settings,
    *,
    environ: Mapping[str, str],
    options: Options,
    say: Say,
    complain: Say,
) -> None:
    """Serve evaluation from the store at `url` until Ctrl-C or SIGTERM; `environ` has what its fetcher needs.

    Raises ConfigurationError when neither tokens nor BURGEE_AUTH=none were said.
    """
    gate = open_gate(settings, now=SystemClock.wall, say=complain)
    environments = open_environments(url, settings, environ)
    past = _past(url, settings, environ, environments, gate)
    streaming = Streaming()
    reporting = _reporting(url, settings, environ, environments, complain)
    tell = _both(streaming.tell, reporting.wake) if reporting else streaming.tell
    following = Following(environments, ttl_ms=settings.ttl_ms, clock=SystemClock(), tell=tell, say=say)
    hook = RefreshHook(environments, settings.refresh_secret, now=SystemClock.wall, tell=following.wake)
    app = App(service_over(environments, gate, streams=True), cors=open_cors(settings), past=past)
    routes = {PATH: Answering(hook, largest_body=LARGEST_HOOK)}
    listener = Listener(app, routes=routes, options=options, streaming=streaming)
    listener.bind()
    allow_open_files()
    verified = _verified(settings.verify_keys)
    welcome = f"burgee serves {url} at {listener.url} (status: {listener.url}/status){verified}; Ctrl-C stops it"
    _run(listener, [reporting, following] if reporting else [following], ready=partial(say, welcome))
    say("stopped")


def _verified(keys: Sequence[str]) -> str:
    """By which keys: who thinks that there are some sees here if there are none."""
    return f", verified by {', '.join(read_public_key(key).id for key in keys)}" if keys else ""


def _past(
    url: str, settings: Settings, environ: Mapping[str, str], environments: Environments, gate: Gate | None
) -> Past:
    verifier = open_verifier(settings)
    fetcher = open_fetchers((url, *settings.mirrors), environ, verifier=verifier)
    return Past(fetcher, environments, gate=gate, now=SystemClock.wall, verifier=verifier)


def _both(one: Callable[[], object], other: Callable[[], object]) -> Callable[[], None]:
    def tell() -> None:
        one()
        other()

    return tell


def _run(listener: Listener, beside: Sequence[Repeating], *, ready: Callable[[], None]) -> None:
    """Listen until a signal; from when it is ready, and until then, with what goes on beside it."""
    with ExitStack() as stack:

        def begin() -> None:
            ready()
            for repeating in beside:
                stack.enter_context(repeating)

        listener.run_until_signal(ready=begin)


def _reporting(
    url: str, settings: Settings, environ: Mapping[str, str], environments: Environments, say: Say
) -> Reporting | None:
    if not settings.report:
        return None
    if url.startswith("oci:"):
        raise ConfigurationError(f"BURGEE_REPORT is yes, and {shown_url(url)} is a registry, which keeps no reports")
    store = open_store(url, environ=environ, in_haste=True)
    instance = name_of(gethostname(), urandom(4).hex())
    return Reporting(store, environments, instance=instance, now=SystemClock.wall, say=say)
