"""The evaluate API as a long-running process, from any store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from ..fetch.clock import SystemClock
from ..serve.app import App
from ..serve.auth import open_gate
from ..serve.opening import open_cors, open_environments, service_over
from ..settings import Settings
from .answering import Answering
from .following import Following
from .listener import Listener, Options, allow_open_files
from .refresh import LARGEST_HOOK, PATH, RefreshHook
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
    streaming = Streaming()
    following = Following(environments, ttl_ms=settings.ttl_ms, clock=SystemClock(), tell=streaming.tell, say=say)
    hook = RefreshHook(environments, settings.refresh_secret, now=SystemClock.wall, tell=following.wake)
    listener = Listener(
        App(service_over(environments, gate, streams=True), cors=open_cors(settings)),
        routes={PATH: Answering(hook, largest_body=LARGEST_HOOK)},
        options=options,
        streaming=streaming,
    )
    listener.bind()
    allow_open_files()
    welcome = f"burgee serves {url} at {listener.url} (status: {listener.url}/status); Ctrl-C stops it"
    with ExitStack() as stack:

        def begin() -> None:
            say(welcome)
            stack.enter_context(following)

        listener.run_until_signal(ready=begin)
    say("stopped")
