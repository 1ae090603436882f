"""Answers that are joined from pieces are the answers that `json.dumps` would write."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.core.instant import format_instant
from burgee.core.model import DEFAULT, FLAG_DISABLED, MATCH, UNKNOWN, BooleanResult, VariantResult
from burgee.core.snapshot import Snapshot
from burgee.fetch.live import Serving
from burgee.serve.texts import Texts, moment_text, timestamp_text
from tests.fakes.publisher import a_release
from tests.serving import Served

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "\\", "\\u0000", "\x00\x1f\x7f", "\u2028", "😀", "</script>", "a\nb", '{"a":[1]}']
)
KEYS = st.lists(TEXTS, max_size=4).map(tuple)
REASONS = st.sampled_from([MATCH, DEFAULT, FLAG_DISABLED, UNKNOWN])
ATTACHMENTS = st.none() | st.recursive(
    TEXTS | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
).map(lambda value: json.dumps({"x": value}, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
BOOLEANS = st.builds(BooleanResult, TEXTS, st.booleans(), REASONS, KEYS)
VARIANTS = st.builds(VariantResult, TEXTS, st.booleans(), TEXTS, ATTACHMENTS, REASONS, KEYS)
RESULTS = BOOLEANS | VARIANTS
DURATIONS = st.integers(0, 10**10).map(lambda microseconds: microseconds / 1000)
INSTANTS = st.integers(0, 4_000_000_000_000)
OFREP_REASONS = {MATCH: "TARGETING_MATCH", DEFAULT: "DEFAULT", FLAG_DISABLED: "DISABLED", UNKNOWN: "UNKNOWN"}


def some_texts() -> Texts:
    """The texts of some release."""
    release = a_release(None, {}, at=0, environment="staging")
    return Texts(Serving(Snapshot("C/server", {}), release, "", None, 0, 0))


def written(fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def fields_of(result: Any, request_id: str, duration: float, instant: int) -> dict[str, Any]:
    """What Flipt's gateway says of a result, in its order (Flipt semantics, 3.2)."""
    asked = {"requestId": request_id, "requestDurationMillis": duration, "timestamp": timestamp_text(instant)}
    if isinstance(result, BooleanResult):
        decided = {"enabled": result.enabled, "reason": result.reason}
        return {**decided, **asked, "flagKey": result.flag_key, "segmentKeys": list(result.segment_keys)}
    return {
        "match": result.match,
        "segmentKeys": list(result.segment_keys),
        "reason": result.reason,
        "variantKey": result.variant_key,
        "variantAttachment": result.attachment or ("null" if result.variant_key else ""),
        **asked,
        "flagKey": result.flag_key,
    }


def ofrep_fields_of(result: Any) -> dict[str, Any]:
    """What OFREP says of a result, in Flipt's order (Flipt semantics, 3.4)."""
    named = {"key": result.flag_key, "reason": OFREP_REASONS[result.reason]}
    if isinstance(result, BooleanResult):
        return {**named, "variant": str(result.enabled).lower(), "value": result.enabled}
    metadata = {"segments": ",".join(result.segment_keys)} if result.segment_keys else {}
    metadata |= {"attachment": result.attachment} if result.attachment else {}
    return {**named, "variant": result.variant_key, "metadata": metadata, "value": result.variant_key}


@settings(max_examples=100, deadline=None)
@given(RESULTS, TEXTS, DURATIONS, INSTANTS)
def test_an_answer_and_an_item_are_what_dumps_writes(
    result: Any, request_id: str, duration: float, instant: int
) -> None:
    texts, moment = some_texts(), moment_text(duration, instant)
    fields = fields_of(result, request_id, duration, instant)
    kind = "BOOLEAN" if isinstance(result, BooleanResult) else "VARIANT"
    item = {"type": f"{kind}_EVALUATION_RESPONSE_TYPE", f"{kind.lower()}Response": fields}
    for _ in range(2):
        assert texts.answer(result, request_id, moment) == written(fields)
        before, after = texts.item(result)
        assert f"{before}{written(request_id)}{moment}{after}" == f"{written(item)},"


@settings(max_examples=100, deadline=None)
@given(st.lists(RESULTS, max_size=5))
def test_ofreps_answers_are_what_dumps_writes_without_disabled_variant_flags(results: list[Any]) -> None:
    texts = some_texts()
    for _ in range(2):
        assert [texts.ofrep(result) for result in results] == [written(ofrep_fields_of(result)) for result in results]
        kept = [result for result in results if isinstance(result, BooleanResult) or result.reason != FLAG_DISABLED]
        assert f"[{texts.ofrep_all(results)}]" == written([ofrep_fields_of(result) for result in kept])


@settings(max_examples=100, deadline=None)
@given(INSTANTS)
def test_a_timestamp_is_the_instant_with_no_or_three_digits(instant: int) -> None:
    assert timestamp_text(instant) == format_instant(instant).replace(".000Z", "Z")


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=4))
def test_whole_answers_are_what_dumps_writes_whatever_is_asked(flag: str, entity: str, context: dict[str, str]) -> None:
    asked = {"requestId": entity, "flagKey": flag, "entityId": entity, "context": context}
    split = {**asked, "flagKey": "split", "entityId": entity or "u"}
    served = Served()
    for path, body in (
        ("/evaluate/v1/boolean", {**asked, "flagKey": "bool"}),
        ("/evaluate/v1/boolean", asked),
        ("/evaluate/v1/variant", split),
        ("/evaluate/v1/batch", {"requestId": entity, "requests": [asked, split, {**asked, "namespaceKey": flag}]}),
        ("/api/v1/evaluate", split),
        (f"/ofrep/v1/evaluate/flags/{flag}", {"context": {**context, "targetingKey": entity}}),
        ("/ofrep/v1/evaluate/flags", {"context": {**context, "targetingKey": entity, "flags": f"bool,{flag},x"}}),
    ):
        body_of_answer = served.call("POST", path, body).body
        assert body_of_answer.decode() == written(json.loads(body_of_answer))


def test_outcomes_that_are_built_anew_are_never_taken_for_one_another_and_not_kept_for_ever() -> None:
    texts = some_texts()
    for number in range(65_000):
        result = BooleanResult(f"flag-{number}", True, MATCH, ())
        assert f'"flagKey":"flag-{number}"' in texts.answer(result, "", "")
        assert f'"key":"flag-{number}"' in texts.ofrep(result)
    assert max(len(texts._rest), len(texts._ofrep.texts), len(texts._ofrep.results)) <= 30_000
