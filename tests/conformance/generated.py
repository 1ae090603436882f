"""Documents in normal form and questions about them, from a seeded `random.Random`.

The texts are chosen to be awkward: every spelling the two dialects disagree on, the limits of int32, all kinds of
white space, malformed and escaped lists. Two contexts of three are made from the constraints' own values, so that
segments really match.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from burgee.core.model import ALL, AND, ANY, BOOLEAN, BOOLEAN_FLAG, DATETIME, ENTITY_ID, NUMBER, OR, STRING

if TYPE_CHECKING:
    from random import Random

Normal = dict[str, Any]
Question = tuple[str, str, dict[str, str]]

_AWKWARD: dict[str, list[Any]] = json.loads(Path(__file__).with_name("vectors").joinpath("awkward.json").read_text())
TEXTS: list[str] = [*_AWKWARD["spaces"], *_AWKWARD["texts"]]
NUMBERS: list[str] = _AWKWARD["numbers"]
BOOLEANS: list[str] = _AWKWARD["booleans"]
DATES: list[str] = _AWKWARD["dates"]
TEXT_LISTS: list[str] = _AWKWARD["text_lists"]
NUMBER_LISTS: list[str] = _AWKWARD["number_lists"]
ENTITIES: list[str] = _AWKWARD["entities"]
PROPERTIES = ["p", "q", "r", "plan", "ünï", "a.b", "_type"]
_ORDERINGS = ["eq", "neq", "lt", "lte", "gt", "gte"]
_PRESENCE = ["present", "notpresent"]
_LISTS = ["isoneof", "isnotoneof"]
_TEXT = ["eq", "neq", "empty", "notempty", "prefix", "suffix", "contains", "notcontains", *_LISTS]
OPERATORS = {
    STRING: _TEXT,
    ENTITY_ID: _TEXT,
    NUMBER: [*_ORDERINGS, *_PRESENCE, *_LISTS],
    BOOLEAN: ["true", "false", *_PRESENCE],
    DATETIME: [*_ORDERINGS, *_PRESENCE],
}
VALUES = {STRING: TEXTS, ENTITY_ID: [*TEXTS, *ENTITIES], NUMBER: NUMBERS, BOOLEAN: BOOLEANS, DATETIME: DATES}
UNKNOWN_TYPE = "COLOUR_COMPARISON_TYPE"
_ODD_OPERATORS = ["le", "EQ", "", "isoneof ", "between", "eq", "true", "present", "empty", "isoneof", "prefix"]
_THRESHOLDS = [-5, -0.001, 0, 1e-50, 0.001, 0.5, 1, 33, 33.3, 50, 66.60000001, 99, 99.0000001, 99.99999999, 100, 150]
_ATTACHMENTS = [None, *_AWKWARD["attachments"]]
_VARIANTS = [
    "a",
    "b",
    "c",
    "on",
    "off",
    "1",
    "null",
    "with space",
    'q"uote',
    "é",
    "日本語",
    "back\\slash",
    "A",
    "u\u2028s",
]


def a_generated_document(rng: Random, *, flags: int, unknown_types: bool = True) -> Normal:
    """A namespace of `flags` flags over two thirds as many segments."""
    keys = [f"s{number}" for number in range(max(4, flags * 2 // 3))]
    return {
        "namespace": "default",
        "flags": [_flag(rng, number, keys) for number in range(flags)],
        "segments": [_segment(rng, key, unknown_types) for key in keys],
    }


def questions(rng: Random, document: Normal, each: int) -> list[Question]:
    """`each` questions about every flag."""
    segments = {segment["key"]: segment for segment in document["segments"]}
    asked: list[Question] = []
    for flag in document["flags"]:
        of_flag = list(_constraints_of(flag, segments))
        asked.extend((flag["key"], *_asker(rng, of_flag)) for _ in range(each))
    return asked


def _flag(rng: Random, number: int, segments: list[str]) -> Normal:
    flag: Normal = {"key": rng.choice(["f{}", "F-{}", "flag_{}", "a,{}", "{}"]).format(number), "name": "é"}
    if rng.random() < 0.8:
        flag["enabled"] = True
    if rng.random() < 0.1:
        flag["description"] = rng.choice(TEXTS)
    boolean = rng.random() < 0.45
    if boolean:
        flag["type"] = BOOLEAN_FLAG
    if boolean or rng.random() < 0.03:
        flag["rollouts"] = [_rollout(rng, segments) for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 5]))]
    if not boolean or rng.random() < 0.05:
        variants = rng.sample(_VARIANTS, rng.randint(0, 6))
        flag["variants"] = [_variant(rng, key) for key in variants]
        if variants and rng.random() < 0.4:
            rng.choice(flag["variants"])["default"] = True
        flag["rules"] = [_rule(rng, segments, variants) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]
    return flag


def _variant(rng: Random, key: str) -> Normal:
    attachment = rng.choice(_ATTACHMENTS)
    return {"key": key} if attachment is None else {"key": key, "attachment": attachment}


def _rule(rng: Random, segments: list[str], variants: list[str]) -> Normal:
    weights = _weights(rng)
    distributions = [{"variant": rng.choice(variants or ["ghost"]), "rollout": weight} for weight in weights]
    return {"segment": _segments_named(rng, segments), "distributions": distributions}


def _rollout(rng: Random, segments: list[str]) -> Normal:
    kind = rng.random()
    if kind < 0.05:
        return {}
    if kind < 0.45:
        percentage = rng.choice(_THRESHOLDS) if rng.random() < 0.6 else round(rng.uniform(0, 100), rng.randint(0, 4))
        return {"threshold": {"percentage": percentage, "value": rng.random() < 0.6}}
    return {"segment": {**_segments_named(rng, segments), "value": rng.random() < 0.6}}


def _segments_named(rng: Random, segments: list[str]) -> Normal:
    keys = rng.choices(segments, k=rng.choice([0, 1, 1, 1, 1, 2, 2, 3, 4]))
    if keys and rng.random() < 0.1:
        keys.append(keys[0])
    if rng.random() < 0.01:
        keys.append("ghost")
    operator = rng.choice([AND, OR, None])
    return {"keys": keys, "operator": operator} if operator else {"keys": keys}


def _weights(rng: Random) -> list[float]:
    count = rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 12, 30])
    style = rng.randrange(8)
    if style == 0:
        return [round(100 / count, 4)] * count if count else []
    if style == 1:  # parts of a hundred
        cuts = sorted(rng.randint(0, 100) for _ in range(max(count - 1, 0)))
        return [float(end - start) for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]
    if style == 2:  # parts of a thousand, as tenths
        cuts = sorted(rng.randint(0, 1000) for _ in range(max(count - 1, 0)))
        return [(end - start) / 10 for start, end in zip([0, *cuts], [*cuts, 1000], strict=True)]
    if style == 3:
        return [round(rng.uniform(0, 100), 2) for _ in range(count)]
    if style == 4:  # zero widths and ties
        return [rng.choice([0, 0.01, 0.04, 0.05, 0.1, 1, 25, 49.99, 50]) for _ in range(count)]
    if style == 5:
        return [rng.uniform(0, 100) for _ in range(count)]
    if style == 6:
        return [rng.choice([0, 1e-30, 1e-6, 100]) for _ in range(count)]
    return [float(rng.randint(0, 100)) for _ in range(count)]


def _segment(rng: Random, key: str, unknown_types: bool) -> Normal:
    constraints = [_constraint(rng, unknown_types) for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3, 4]))]
    return {"key": key, "name": key, "match_type": rng.choice([ALL, ANY]), "constraints": constraints}


def _constraint(rng: Random, unknown_types: bool) -> Normal:
    kind = rng.choice([STRING, STRING, ENTITY_ID, NUMBER, NUMBER, BOOLEAN, DATETIME, DATETIME])
    operator = rng.choice(OPERATORS[kind]) if rng.random() < 0.96 else rng.choice(_ODD_OPERATORS)
    if unknown_types and rng.random() < 0.02:
        kind = UNKNOWN_TYPE
    constraint = {"type": kind, "property": rng.choice(PROPERTIES), "operator": operator}
    value = _value(rng, kind, operator)
    return {**constraint, "value": value} if value or rng.random() < 0.5 else constraint


def _value(rng: Random, kind: str, operator: str) -> str:
    if operator in _LISTS:
        return _list(rng, kind)
    if kind == NUMBER and rng.random() < 0.3:
        return str(rng.randint(-20, 20))
    return rng.choice(VALUES.get(kind, TEXTS))


def _list(rng: Random, kind: str) -> str:
    awkward = rng.random() < 0.5
    if kind == NUMBER:
        return rng.choice(NUMBER_LISTS) if awkward else json.dumps(rng.sample(range(-20, 20), rng.randint(0, 5)))
    pool = VALUES.get(kind, TEXTS)
    return rng.choice(TEXT_LISTS) if awkward else json.dumps(rng.sample(pool, rng.randint(0, 5)), ensure_ascii=False)


def _constraints_of(flag: Normal, segments: dict[str, Normal]) -> list[Normal]:
    places = [rule["segment"] for rule in flag.get("rules", ())]
    places += [rollout["segment"] for rollout in flag.get("rollouts", ()) if "segment" in rollout]
    keys = [key for place in places for key in place["keys"] if key in segments]
    return [constraint for key in keys for constraint in segments[key]["constraints"]]


def _asker(rng: Random, constraints: list[Normal]) -> tuple[str, dict[str, str]]:
    entity = rng.choice(ENTITIES) if rng.random() < 0.3 else f"user-{rng.randrange(100_000)}"
    context: dict[str, str] = {}
    if rng.random() < 0.05:
        return entity, context
    rng.shuffle(constraints)
    for constraint in constraints[:8]:
        if rng.random() < 0.15:
            continue
        text = _text_for(rng, constraint)
        if constraint["type"] == ENTITY_ID:
            entity = text
        else:
            context[constraint["property"]] = text
    return entity, context


def _text_for(rng: Random, constraint: Normal) -> str:
    kind, value = constraint["type"], str(constraint.get("value", ""))
    if rng.random() < 0.33:
        return rng.choice(VALUES.get(kind, TEXTS))
    if constraint["operator"] in _LISTS:
        return _member(rng, value)
    if constraint["operator"] in ("true", "false"):
        return str(constraint["operator"])
    if kind == NUMBER:
        return _near_number(rng, value)
    if kind in (STRING, ENTITY_ID) and rng.random() < 0.5:
        return rng.choice(
            [value + "x", "x" + value, " " + value, value + "\xa0", value.strip(), "x" + value + "x", value.upper()]
        )
    return value


def _member(rng: Random, value: str) -> str:
    try:
        members = json.loads(value)
    except ValueError:
        return "y"
    if not isinstance(members, list) or not members:
        return "5"
    member = rng.choice(members)
    return member if isinstance(member, str) else json.dumps(member)


def _near_number(rng: Random, value: str) -> str:
    try:
        number = int(value)
    except ValueError:
        return value
    return rng.choice(
        [value, str(number), str(number + 1), str(number - 1), f"{number:+d}", f"{number}.0", f"{number:06d}"]
    )
