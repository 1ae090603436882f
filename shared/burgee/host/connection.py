"""One HTTP connection, which does not wait for ever for its client, and can be broken off."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from .asgi import ABORT

HEAD_SECONDS = 30.0


class Connection(H11Protocol):
    """Closes once HEAD_SECONDS have gone by, since it was opened or last answered, without the whole head of a request.

    uvicorn bounds only silence between requests: neither a client that never begins, nor one that sends byte by byte.
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Of its own: what was there is shared by all connections.
        self.app_state = {**self.app_state, ABORT: transport.abort}
        self._wait_for_head()

    def on_response_complete(self) -> None:
        self._wait_for_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self.loop.call_later(HEAD_SECONDS, self._end_unless_asked, self.cycle)

    def _end_unless_asked(self, answered: RequestResponseCycle | None) -> None:
        if self.cycle is answered:
            self.timeout_keep_alive_handler()
