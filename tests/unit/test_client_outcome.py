"""What is said of an outcome in OpenFeature's words, and the values its types find in a variant."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from burgee.client import values
from burgee.client.outcome import Metadata, metadata_of, reason_of, variant_of
from burgee.core.model import FLAG_DISABLED, MATCH, BooleanResult, VariantResult
from tests.builders import (
    Normal,
    a_boolean_flag,
    a_flag,
    a_rule,
    a_segment_rollout,
    a_threshold,
    a_variant,
    named,
    outcome_of,
)

VARIANTS = [a_variant("a"), a_variant("b")]


def reason(flag: Normal, context: dict[str, str] | None = None) -> str:
    return reason_of(outcome_of(flag, context), flag)


def a_result(key: str, attachment: str | None = None) -> VariantResult:
    return VariantResult("flag", True, key, attachment, MATCH, ())


def test_a_flag_without_rules_is_static() -> None:
    assert reason(a_boolean_flag(enabled=True)) == "STATIC"
    assert reason(a_flag(variants=[a_variant("a", default=True)])) == "STATIC"


def test_a_flag_with_rules_that_match_nobody_here_is_default() -> None:
    assert reason(a_boolean_flag("f", a_segment_rollout("no"))) == "DEFAULT"
    assert reason(a_flag(variants=[a_variant("a", default=True)], rules=[a_rule("no", [("a", 100)])])) == "DEFAULT"


def test_where_no_variant_is_left_the_callers_default_is_the_answer() -> None:
    assert reason(a_flag(variants=VARIANTS)) == "DEFAULT"
    assert reason(a_flag(variants=VARIANTS, rules=[a_rule("no", [("a", 100)])])) == "DEFAULT"
    assert reason(a_flag(variants=VARIANTS, rules=[a_rule("yes")])) == "DEFAULT"


def test_a_disabled_flag_is_disabled_and_names_no_variant_unless_it_is_boolean() -> None:
    switch, flag = a_boolean_flag(), a_flag(enabled=False, variants=[a_variant("a", default=True)])
    assert reason(switch) == reason(flag) == "DISABLED"
    assert (variant_of(outcome_of(switch)), variant_of(outcome_of(flag))) == ("false", None)


def test_a_segment_is_a_targeting_match() -> None:
    assert reason(a_boolean_flag("f", a_segment_rollout("yes"))) == "TARGETING_MATCH"
    assert reason(a_flag(variants=VARIANTS, rules=[a_rule("yes", [("a", 100)])])) == "TARGETING_MATCH"
    assert reason(a_flag(variants=VARIANTS, rules=[a_rule("yes", [("a", 100), ("b", 0)])])) == "TARGETING_MATCH"


def test_a_rule_that_matches_with_the_default_variant_is_a_targeting_match() -> None:
    flag = a_flag(variants=[a_variant("a", default=True)], rules=[a_rule("yes")])
    assert reason(flag) == "TARGETING_MATCH"


def test_a_percentage_is_a_split() -> None:
    assert reason(a_boolean_flag("f", a_threshold(100))) == "SPLIT"
    assert reason(a_flag(variants=VARIANTS, rules=[a_rule("yes", [("a", 50), ("b", 50)])])) == "SPLIT"


@pytest.mark.parametrize(
    ("segments", "wanted"),
    [
        # The second rule decides, since the first one wants both segments and gets one.
        ([named("yes", "no", every=True), named("yes")], "TARGETING_MATCH"),
        # The first rule decides, since one of its segments is enough.
        ([named("yes", "no"), named("yes")], "SPLIT"),
        ([named("yes", "everybody", every=True), named("yes")], "SPLIT"),
        ([named("no"), named("yes", "everybody")], "TARGETING_MATCH"),
    ],
)
def test_the_rule_that_decided_says_whether_it_was_by_percentage(segments: list[Normal], wanted: str) -> None:
    split, whole = [("a", 50.0), ("b", 50.0)], [("a", 100.0)]
    flag = a_flag(variants=VARIANTS, rules=[a_rule(segments[0], split), a_rule(segments[1], whole)])
    assert reason(flag) == wanted


def test_without_the_flag_a_match_is_a_match() -> None:
    assert reason_of(outcome_of(a_boolean_flag("f", a_threshold(100))), None) == "TARGETING_MATCH"
    assert reason_of(outcome_of(a_boolean_flag(enabled=True)), None) == "DEFAULT"


def test_metadata_names_the_release_and_what_matched() -> None:
    result = VariantResult("flag", True, "a", '{"x":1}', MATCH, ("s", "t"), 7, "sha256:abc")
    assert metadata_of(result, {}, "production", "mobile") == {
        "flagSetId": "production/mobile",
        "version": "7",
        "environment": "production",
        "namespace": "mobile",
        "revision": 7,
        "digest": "sha256:abc",
        "segments": "s,t",
        "attachment": '{"x":1}',
    }


def test_metadata_has_the_authors_scalars_and_none_of_burgees_own() -> None:
    written = {"owner": "shop", "weight": 2, "share": 0.5, "beta": True, "list": [1], "none": None, "burgee.x": "y"}
    said = metadata_of(BooleanResult("flag", True, MATCH, ()), {"metadata": written}, "e", "n")
    assert {"owner": "shop", "weight": 2, "share": 0.5, "beta": True}.items() <= said.items()
    assert not {"list", "none", "burgee.x"} & set(said)


def test_an_author_may_say_the_version_but_not_what_answered() -> None:
    said = metadata_of(
        BooleanResult("flag", True, MATCH, (), 7), {"metadata": {"version": "2.1", "revision": 99}}, "e", "n"
    )
    assert (said["version"], said["revision"]) == ("2.1", 7)


def test_a_stale_outcome_keeps_its_reason_among_the_metadata() -> None:
    said = metadata_of(BooleanResult("flag", False, FLAG_DISABLED, (), 1, "", True), {}, "e", "n")
    assert said["reason"] == "DISABLED"


def test_a_disabled_variant_flag_does_not_tell_its_default_variants_attachment() -> None:
    said = metadata_of(VariantResult("flag", False, "a", "{}", FLAG_DISABLED, ()), {}, "e", "n")
    assert "attachment" not in said


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.__setitem__("a", 2),
        lambda said: said.__delitem__("a"),
        lambda said: said.__ior__({"a": 2}),
        lambda said: said.update(a=2),
        lambda said: said.setdefault("b", 2),
        lambda said: said.pop("a"),
        lambda said: said.popitem(),
        lambda said: said.clear(),
    ],
)
def test_metadata_does_not_change(change: Any) -> None:
    said = Metadata({"a": 1})
    with pytest.raises(TypeError, match="change a copy"):
        change(said)
    assert said == {"a": 1}


def test_copies_of_metadata_are_anybodys_and_it_can_be_written() -> None:
    said = Metadata({"a": 1})
    for other in (said.copy(), copy.copy(said), copy.deepcopy(said), pickle.loads(pickle.dumps(said)), said | {}):
        other["a"] = 2
    assert json.dumps(said) == '{"a": 1}'


@pytest.mark.parametrize(
    ("key", "attachment", "integer", "number"),
    [
        ("ten", "10", 10, 10.0),
        ("10", None, 10, 10.0),
        ("10", '{"x":1}', 10, 10.0),
        ("10", "20", 20, 20.0),
        ("10", "true", 10, 10.0),
        ("10", '"20"', 10, 10.0),
        ("-3", None, -3, -3.0),
        ("half", "0.5", None, 0.5),
        ("0.5", None, None, 0.5),
        ("1e2", None, 100, 100.0),
        ("zero", "0", 0, 0.0),
        ("big", "9007199254740993", 9007199254740993, 9007199254740992.0),
        ("huge", "1" + "0" * 400, 10**400, None),
        ("ten", None, None, None),
        ("ten", "[10]", None, None),
        ("true", None, None, None),
        ("NaN", None, None, None),
        ("-Infinity", None, None, None),
        ("1e999", None, None, None),
        ("007", None, None, None),
        ("1_000", None, None, None),
        ("٣", None, None, None),
        ("9" * 5000, None, None, None),
        ("[" * 100_000, None, None, None),
    ],
)
def test_a_number_is_the_attachment_or_else_the_key(
    key: str, attachment: str | None, integer: int | None, number: float | None
) -> None:
    result = a_result(key, attachment)
    assert (values.integer(result), values.number(result)) == (integer, number)
    assert type(values.integer(result)) in (int, type(None))
    assert type(values.number(result)) in (float, type(None))


@pytest.mark.parametrize(
    ("attachment", "wanted"),
    [('{"x":[1]}', {"x": [1]}), ("[1,2]", [1, 2]), ("{}", {}), ("[]", []), ("1", None), ('"x"', None), (None, None)],
)
def test_a_structure_is_an_object_or_a_list(attachment: str | None, wanted: Any) -> None:
    assert values.structure(a_result("a", attachment)) == wanted


def test_dates_become_texts_with_their_offset_or_as_utc() -> None:
    noon = datetime(2026, 11, 22, 12)
    context = {
        "plain": noon,
        "utc": noon.replace(tzinfo=UTC),
        "east": noon.replace(tzinfo=timezone(timedelta(hours=2))),
    }
    assert values.with_dates({**context, "x": [1]}) == {
        "plain": "2026-11-22T12:00:00+00:00",
        "utc": "2026-11-22T12:00:00+00:00",
        "east": "2026-11-22T12:00:00+02:00",
        "x": [1],
    }
    assert values.with_dates({"x": "y"}) is None
