"""The evaluate API in tests: a store in memory, its readers on virtual time, requests as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from burgee.bundle.index import Index, Listed
from burgee.fetch.environments import Environments
from burgee.serve.app import App
from burgee.serve.auth import Gate
from burgee.serve.cors import Cors
from burgee.serve.message import Request, Response
from burgee.serve.service import Service
from burgee.serve.tokens import Token
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.builders import (
    EVERYBODY,
    NO,
    YES,
    Normal,
    a_boolean_flag,
    a_document,
    a_flag,
    a_rule,
    a_segment_rollout,
    a_threshold,
    a_variant,
)
from tests.fakes.clock import VirtualClock
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import publish

TTL_MS = 10_000
FLAGS = (
    a_boolean_flag("bool", a_segment_rollout("yes"), enabled=False),
    a_boolean_flag("half", a_threshold(50)),
    a_flag(
        "split",
        variants=[a_variant("a", {"x": 1}), a_variant("b"), a_variant("fallback", default=True)],
        rules=[a_rule("yes", [("a", 50), ("b", 50)]), a_rule("no")],
    ),
    a_flag("bare", enabled=False),
)


class Served:
    """An App over a store that a test writes: `staging` (the default) and `production`."""

    def __init__(
        self,
        *flags: Normal,
        tokens: frozenset[str] | None = None,
        gate: Gate | None = None,
        cors: Cors | None = None,
        streams: bool = False,
    ) -> None:
        self.clock = VirtualClock()
        self.objects = MemoryObjects("memory://served")
        self.store = ObjectStore(self.objects)
        self.fetcher = FaultyFetcher(self.objects)
        self.store.swap_index(
            Index("https://example.org/flags", {"staging": Listed("main", True), "production": Listed("main", False)}),
            None,
        )
        self.publish(*(flags or FLAGS))
        environments = Environments(self.fetcher, ttl_ms=TTL_MS, clock=self.clock, random=lambda: 0.0)
        ids = count(1)
        self.service = Service(
            environments,
            now=self.clock.wall,
            timer=lambda: float(self.clock.monotonic()),
            new_id=lambda: f"id-{next(ids)}",
            gate=gate if tokens is None else Gate([Token(digest) for digest in tokens]),
            streams=streams,
        )
        self.app = App(self.service, cors=cors)

    def publish(self, *flags: Normal, environment: str = "staging", namespace: str = "default", **how: Any) -> None:
        content = a_document(flags, (YES, NO, EVERYBODY), namespace).content
        publish(self.store, {namespace: content}, at=self.clock.wall(), environment=environment, **how)

    def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, query: str = ""
    ) -> Response:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.app(Request(method, path, query, headers or {}, content))

    def post(self, path: str, body: Any, **more: Any) -> tuple[int, Any]:
        response = self.call("POST", path, body, **more)
        return response.status, json.loads(response.body)

    def get(self, path: str, **more: Any) -> tuple[int, Any]:
        response = self.call("GET", path, **more)
        return response.status, json.loads(response.body)


def header(response: Response, name: str) -> str | None:
    """A header of a response, or None."""
    return next((value for found, value in response.headers if found == name), None)
