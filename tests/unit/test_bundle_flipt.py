"""The client snapshot: every field that clients require is written out, whatever the document leaves out."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from burgee.bundle.document import Document, encode
from burgee.bundle.flipt import client_snapshot, empty_client_snapshot
from tests.builders import a_boolean_flag, a_document, a_flag, a_rule, a_segment, a_segment_rollout, a_variant, named
from tests.conformance.generated import a_generated_document

Object = dict[str, Any]

# Flipt semantics, section 4.2, first column: required, not null, of this JSON type.
NUMBER = (int, float)
REQUIRED: dict[str, dict[str, Any]] = {
    "document": {"namespace": dict, "flags": list},
    "namespace": {"key": str},
    "flag": {"key": str, "name": str, "enabled": bool},
    "rule": {"segmentOperator": str, "distributions": list},
    "distribution": {"variantKey": str, "rollout": NUMBER},
    "rollout.segment": {"value": bool, "segments": list},
    "threshold": {"percentage": NUMBER, "value": bool},
    "segment": {"key": str, "matchType": str, "constraints": list},
    "constraint": {"type": str, "property": str, "operator": str, "value": str},
    "defaultVariant": {"id": str, "key": str},
}
# Section 4.1: the spellings clients know.
ENUMS = {
    ("flag", "type"): {"VARIANT_FLAG_TYPE", "BOOLEAN_FLAG_TYPE"},
    ("segment", "matchType"): {"ALL_SEGMENT_MATCH_TYPE", "ANY_SEGMENT_MATCH_TYPE"},
    ("rule", "segmentOperator"): {"OR_SEGMENT_OPERATOR", "AND_SEGMENT_OPERATOR"},
    ("rollout.segment", "segmentOperator"): {"OR_SEGMENT_OPERATOR", "AND_SEGMENT_OPERATOR"},
    ("rollout", "type"): {"UNKNOWN_ROLLOUT_TYPE", "SEGMENT_ROLLOUT_TYPE", "THRESHOLD_ROLLOUT_TYPE"},
    ("constraint", "type"): {
        f"{kind}_CONSTRAINT_COMPARISON_TYPE"
        for kind in ("STRING", "NUMBER", "BOOLEAN", "DATETIME", "ENTITY_ID", "UNKNOWN")
    },
}
PARTS = {
    "document": {"namespace": "namespace", "flags": "flag"},
    "flag": {"rules": "rule", "rollouts": "rollout", "defaultVariant": "defaultVariant"},
    "rule": {"segments": "segment", "distributions": "distribution"},
    "rollout": {"segment": "rollout.segment", "threshold": "threshold"},
    "rollout.segment": {"segments": "segment"},
    "segment": {"constraints": "constraint"},
}


def missing(value: Object, kind: str = "document", path: str = "") -> list[str]:
    """Paths of what clients require and the object has not, all the way down."""
    found = [
        f"{path}.{name}"
        for name, wanted in REQUIRED.get(kind, {}).items()
        if not isinstance(value.get(name), wanted) or (isinstance(value[name], bool) and wanted is NUMBER)
    ]
    found += [f"{path}.{name}" for (of, name), known in ENUMS.items() if of == kind and value.get(name) not in known]
    for name, part in PARTS.get(kind, {}).items():
        inner = value.get(name, [])
        for place, one in enumerate(inner if isinstance(inner, list) else [inner]):
            found += missing(one, part, f"{path}.{name}[{place}]")
    return found


@pytest.mark.parametrize("seed", range(5))
def test_every_required_field_of_the_table_is_written(seed: int) -> None:
    document = Document(encode(a_generated_document(Random(f"snapshot/{seed}"), flags=60, unknown_types=False)))
    assert missing(json.loads(client_snapshot(document, 0)[0])) == []


def test_the_walk_finds_what_is_missing() -> None:
    snapshot = json.loads(client_snapshot(a_document([a_flag(rules=[a_rule("yes", [("a", 1.0)])])]), 0)[0])
    del snapshot["flags"][0]["name"]
    snapshot["flags"][0]["rules"][0]["segments"][0]["constraints"][0]["value"] = None
    assert missing(snapshot) == [".flags[0].name", ".flags[0].rules[0].segments[0].constraints[0].value"]


def test_a_barely_written_flag_has_every_field() -> None:
    (flag,) = json.loads(client_snapshot(a_document([{"key": "bare"}]), 0)[0])["flags"]
    assert flag == {
        "key": "bare",
        "name": "",
        "description": "",
        "enabled": False,
        "type": "VARIANT_FLAG_TYPE",
        "rules": [],
        "rollouts": [],
    }


def test_an_empty_snapshot_has_the_namespace_and_no_flags() -> None:
    empty = json.loads(empty_client_snapshot("shop"))
    assert empty == {"namespace": {"key": "shop"}, "flags": []}
    assert missing(empty) == []


def test_the_etag_is_forty_hexadecimal_digits_and_depends_on_content_alone() -> None:
    one, again = (client_snapshot(a_document([a_flag("a"), a_flag("b")][::step]), 0) for step in (1, -1))
    other = client_snapshot(a_document([a_flag("a")]), 0)
    assert one == again
    assert one[1] != other[1]
    assert len(one[1]) == 40 and set(one[1]) <= set("0123456789abcdef")


def test_the_etag_tells_namespaces_with_the_same_flags_apart() -> None:
    assert client_snapshot(a_document(namespace="a"), 0)[1] != client_snapshot(a_document(namespace="b"), 0)[1]


def test_a_segment_that_is_not_there_is_sent_as_one_nobody_matches() -> None:
    flag = a_boolean_flag("f", a_segment_rollout("ghost", every=True))
    sent = json.loads(client_snapshot(a_document([flag], []), 0)[0])
    (segment,) = sent["flags"][0]["rollouts"][0]["segment"]["segments"]
    assert (segment["key"], segment["matchType"]) == ("ghost", "ALL_SEGMENT_MATCH_TYPE")
    assert segment["constraints"][0]["type"] == "UNKNOWN_CONSTRAINT_COMPARISON_TYPE"
    assert missing(sent) == []


def test_duplicate_segment_keys_are_sent_once() -> None:
    flag = a_flag(rules=[a_rule(named("s", "t", "s"))])
    (sent,) = json.loads(client_snapshot(a_document([flag], [a_segment("s"), a_segment("t")]), 0)[0])["flags"]
    assert [segment["key"] for segment in sent["rules"][0]["segments"]] == ["s", "t"]


def test_the_default_variant_is_named_by_flag_and_variant() -> None:
    flag = a_flag("f", variants=[a_variant("é", {"a": "<"}, default=True)])
    (sent,) = json.loads(client_snapshot(a_document([flag]), 0)[0])["flags"]
    assert sent["defaultVariant"] == {"id": "f/é", "key": "é", "attachment": '{"a":"<"}'}
