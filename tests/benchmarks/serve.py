"""Whole answers: an event of AWS Lambda beside an empty route, and answers with many flags beside the JSON in them.

`answer(app, event)` is all that the evaluate function does for a request. The empty route is one of the resolver that
`aws-lambda-powertools` has for function URLs, called with the same events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import islice
from time import perf_counter
from typing import Any

from burgee.bundle.digest import digest_of
from burgee.bundle.index import Index, Listed
from burgee.fetch.clock import SystemClock
from burgee.fetch.environments import Environments
from burgee.serve.app import App
from burgee.serve.auth import Gate
from burgee.serve.function_url import answer
from burgee.serve.opening import service_over
from burgee.serve.tokens import Token
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import publish

from .authored import document_of
from .measure import Row, Table, Target, side_by_side
from .workload import Question, questions, workload

_FLAGS = 100
# So few that they stay in the processor's caches, where a process finds what it has just parsed or made.
_EVENTS = 50
_CALLS = 500
_WHOLE_ANSWERS = 5
_TOKEN = "bgt_Lq8yGXw3Zr6VbN2kTf9sHc4PmD7eUaJ5"
_PUBLISHED_AT = 1_700_000_000_000
_HOUR_MS = 3_600_000

Event = dict[str, Any]


def run(rounds: int) -> list[Table]:
    """Microseconds of one answer."""
    asked = questions(_FLAGS)
    booleans = [a_boolean_event(question) for question in islice(filter(_is_boolean, asked), _EVENTS)]
    handler = [
        _beside_powertools("without tokens", rounds, booleans, None),
        _beside_powertools("with a token", rounds, booleans, Gate([Token(digest_of(_TOKEN.encode()))])),
    ]
    bulk = _bulk([_bulk_event(question) for question in asked[:: len(asked) // _WHOLE_ANSWERS]], rounds)
    batch = _batch(
        [_batch_event(asked[start : start + _FLAGS]) for start in range(0, _WHOLE_ANSWERS * _FLAGS, _FLAGS)], rounds
    )
    return [
        Table(
            "an event of a function URL, one boolean flag, eight properties", "µs", tuple(handler), _at_least(handler)
        ),
        Table(f"all of {_FLAGS} flags for one context, by OFREP", "µs", (bulk,), (_bulk_target(bulk),)),
        Table(f"a batch of {_FLAGS} evaluations by the REST API", "µs", (batch,), (_batch_target(batch),)),
    ]


def _at_least(rows: Iterable[Row]) -> tuple[Target, ...]:
    return tuple(Target(f"{row.name}, an empty route", row.ratios["empty route"], 2, 3) for row in rows)


def _bulk_target(row: Row) -> Target:
    return Target("of json.dumps alone", 1 / row.ratios["json.dumps"], 1, 0.5, unit="")


def _batch_target(row: Row) -> Target:
    return Target("of json.loads and json.dumps", 1 / row.ratios["loads + dumps"], 1.5, 1.1, unit="")


def an_app(gate: Gate | None = None) -> App:
    """The evaluate API over a store in memory, which is looked at once an hour."""
    objects = MemoryObjects("memory://serve")
    store = ObjectStore(objects)
    store.swap_index(Index("https://example.org/flags", {"production": Listed("main", True)}), None)
    publish(store, {"default": document_of(workload(_FLAGS))}, at=_PUBLISHED_AT, environment="production")
    environments = Environments(FaultyFetcher(objects), ttl_ms=_HOUR_MS, clock=SystemClock(), random=lambda: 0.0)
    return App(service_over(environments, gate))


def _beside_powertools(name: str, rounds: int, events: list[Event], gate: Gate | None) -> Row:
    app, route = an_app(gate), _empty_route()
    assert all(answer(app, event)["statusCode"] == 200 for event in events)
    contenders = {
        "burgee": lambda: _microseconds(lambda event: answer(app, event), events),
        "empty route": lambda: _microseconds(route, events),
    }
    return side_by_side(name, rounds, contenders)


def _bulk(events: list[Event], rounds: int) -> Row:
    app = an_app()
    answers = [json.loads(answer(app, event)["body"]) for event in events]
    assert all(len(found["flags"]) == _FLAGS for found in answers)
    contenders = {
        "burgee": lambda: _microseconds(lambda event: answer(app, event), events),
        "json.dumps": lambda: _microseconds(json.dumps, answers),
    }
    return side_by_side("whole answer", rounds, contenders)


def _batch(events: list[Event], rounds: int) -> Row:
    app = an_app()
    pairs = [(event["body"], json.loads(answer(app, event)["body"])) for event in events]
    assert all(len(found["responses"]) == _FLAGS for _, found in pairs)
    contenders = {
        "burgee": lambda: _microseconds(lambda event: answer(app, event), events),
        "loads + dumps": lambda: _microseconds(lambda pair: (json.loads(pair[0]), json.dumps(pair[1])), pairs),
    }
    return side_by_side("whole answer", rounds, contenders)


def _microseconds(work: Callable[[Any], object], items: list[Any]) -> float:
    """How long `work` takes for one of the items, on average."""
    passes = max(1, _CALLS // len(items))
    started = perf_counter()
    for _ in range(passes):
        for item in items:
            work(item)
    return (perf_counter() - started) / passes / len(items) * 1e6


def _empty_route() -> Callable[[Event], object]:
    from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

    resolver = LambdaFunctionUrlResolver()
    resolver.post("/evaluate/v1/boolean")(dict)
    context: Any = object()
    return lambda event: resolver.resolve(event, context)


def _is_boolean(question: Question) -> bool:
    return question.is_boolean


def a_boolean_event(question: Question) -> Event:
    return an_event("/evaluate/v1/boolean", {"requestId": "request-1", **_asked(question)})


def _bulk_event(question: Question) -> Event:
    context = {"targetingKey": question.entity, **question.context}
    return an_event("/ofrep/v1/evaluate/flags", {"context": context})


def _batch_event(asked: list[Question]) -> Event:
    requests = [{"requestId": f"request-{place}", **_asked(question)} for place, question in enumerate(asked)]
    return an_event("/evaluate/v1/batch", {"requestId": "batch-1", "requests": requests})


def _asked(question: Question) -> dict[str, Any]:
    """The REST API takes texts only."""
    context = {name: value if isinstance(value, str) else json.dumps(value) for name, value in question.context.items()}
    return {"namespaceKey": "default", "flagKey": question.flag, "entityId": question.entity, "context": context}


def an_event(path: str, body: dict[str, Any]) -> Event:
    """An event as AWS sends it for a POST."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "application/json",
            "authorization": f"Bearer {_TOKEN}",
            "content-type": "application/json",
            "host": "id.lambda-url.eu-west-1.on.aws",
            "user-agent": "shop/1.0",
            "x-amzn-trace-id": "Root=1-62ecd163-5f302e550dcde3b12402207d",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "id",
            "domainName": "id.lambda-url.eu-west-1.on.aws",
            "domainPrefix": "id",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "shop/1.0",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_348_800_000,
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
