"""The flags every contender gets and the questions it is asked; the same ones in every run, in nobody's format.

Of ten flags seven are boolean, with one segment rollout and one threshold rollout, and three are variant flags: three
rules over segments of three constraints, each with a distribution over three variants that have JSON attachments.
There is a segment for every ten flags, at least one of each shape and at most 200. 10,000 entities bring contexts of
eight properties: six texts, a number and a truth value. Each is asked about ten flags one after the other, as a request
asks for what one page needs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, NamedTuple

ENTITIES = 10_000
FLAGS_PER_ENTITY = 10
CONTROL = "control"
VARIANTS = (CONTROL, "short", "long")
_PLANS = ("free", "team", "pro", "enterprise")
_COUNTRIES = ("at", "br", "ca", "ch", "de", "es", "fr", "gb", "it", "jp", "nl", "us")
_DOMAINS = ("example.com", "example.org")
_LOCALES = ("en-GB", "en-US", "de-DE", "de-AT")
_DEVICES = ("phone", "tablet", "desktop")
_SEASONS = ("spring", "summer")
_WEIGHTS = ((50, 30, 20), (34, 33, 33), (10, 45, 45), (80, 10, 10))
_SHAPES = 5
_MOST_SEGMENTS = 200

Context = dict[str, str | int | bool]


class Constraint(NamedTuple):
    """What a property must be. `operator` is one of eq, isoneof, prefix, suffix, gte, lt and true."""

    property: str
    operator: str
    value: Any


class Segment(NamedTuple):
    """Whom all constraints hold for."""

    key: str
    constraints: tuple[Constraint, ...]


class Rule(NamedTuple):
    """The segment with this key, shared among `VARIANTS` by weights in percent."""

    segment: str
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean flag has `segment`, which is on, and `percentage` of everybody else; a variant flag has `rules`.

    Who is in none of its rules gets the variant `CONTROL`. `attachments` are those of `VARIANTS`.
    """

    key: str
    index: int
    segment: str = ""
    percentage: int = 0
    rules: tuple[Rule, ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()

    @property
    def is_boolean(self) -> bool:
        return not self.rules


class Question(NamedTuple):
    """What is asked: a flag for an entity with its context."""

    is_boolean: bool
    flag: str
    entity: str
    context: Context


@dataclass(frozen=True, slots=True)
class Workload:
    """Flags with the segments they name, both sorted by key."""

    flags: tuple[Flag, ...]
    segments: tuple[Segment, ...]


@cache
def workload(count: int) -> Workload:
    """`count` flags and their segments."""
    segments = tuple(map(_segment, range(max(_SHAPES, min(count // 10, _MOST_SEGMENTS)))))
    return Workload(tuple(_flag(index, segments) for index in range(count)), segments)


def questions(count: int) -> list[Question]:
    """All entities ask one after the other; every one of `count` flags is asked about equally often, in any order."""
    random = Random(20261122)
    flags = workload(count).flags
    chosen = [index % count for index in range(ENTITIES * FLAGS_PER_ENTITY)]
    random.shuffle(chosen)
    asking = (entity for entity in _entities() for _ in range(FLAGS_PER_ENTITY))
    return [
        Question(flags[index].is_boolean, flags[index].key, *entity)
        for index, entity in zip(chosen, asking, strict=True)
    ]


def _entities() -> Iterator[tuple[str, Context]]:
    random = Random(1122)
    for number in random.sample(range(10**9), ENTITIES):
        yield f"user-{number:09d}", _context(number, random)


def _context(number: int, random: Random) -> Context:
    context = {
        "plan": random.choice(_PLANS),
        "country": random.choice(_COUNTRIES),
        "email": f"someone.{number}@{random.choice(_DOMAINS)}",
        "locale": random.choice(_LOCALES),
        "device": random.choice(_DEVICES),
        "campaign": f"{random.choice(_SEASONS)}-2026-{number % 40}",
        "orders": random.randrange(40),
        "beta": random.random() < 0.3,
    }
    # Texts of its own, as those of a request are; not the constants above.
    own: Context = json.loads(json.dumps(context))
    return own


def _segment(index: int) -> Segment:
    turn = index // _SHAPES % 2
    email = Constraint("email", "suffix", "@" + _DOMAINS[turn])
    shapes = (
        (_countries(index, 8), email, Constraint("orders", "gte", 5 + index % 3)),
        (_plans(index, 3), Constraint("locale", "prefix", ("en", "de")[turn]), _below(25 + index % 7)),
        (Constraint("device", "eq", _DEVICES[index % 3]), _plans(index, 2), Constraint("orders", "gte", 2 + index % 5)),
        (Constraint("beta", "true", True), _countries(index, 6), email),
        (
            Constraint("campaign", "prefix", _SEASONS[turn]),
            _countries(index, 9),
            _below(30 + index % 7),
        ),
    )
    return Segment(f"segment-{index:03d}", shapes[index % _SHAPES])


def _countries(index: int, many: int) -> Constraint:
    return Constraint("country", "isoneof", _some(_COUNTRIES, index, many))


def _plans(index: int, many: int) -> Constraint:
    return Constraint("plan", "isoneof", _some(_PLANS, index, many))


def _below(limit: int) -> Constraint:
    return Constraint("orders", "lt", limit)


def _some(values: tuple[str, ...], start: int, many: int) -> list[str]:
    return [values[(start + place) % len(values)] for place in range(many)]


def _flag(index: int, segments: tuple[Segment, ...]) -> Flag:
    # 7 shares no factor with the number of segments that matters, so that flags of every kind share each of them.
    first = index * 7
    if _is_boolean(index):
        return Flag(_key(index), index, segment=segments[first % len(segments)].key, percentage=1 + index % 50)
    rules = tuple(
        Rule(segments[(first + place) % len(segments)].key, _WEIGHTS[(index + place) % len(_WEIGHTS)])
        for place in range(3)
    )
    return Flag(_key(index), index, rules=rules, attachments=tuple(_attachment(index, key) for key in VARIANTS))


def _attachment(index: int, variant: str) -> dict[str, Any]:
    steps = 1 + len(variant) % 4
    color = f"#{index * 4099 % 0x1000000:06x}"
    return {"color": color, "limits": {"day": 10 * steps}, "steps": steps, "title": f"Checkout {index}"}


def _is_boolean(index: int) -> bool:
    return index % 10 < 7


def _key(index: int) -> str:
    return f"flag-{index:05d}"
