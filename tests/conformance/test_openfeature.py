"""What OpenFeature expects of a provider, asked through its SDK of the provider over a store.

Source: OpenFeature specification, sections 2 and 3, and appendix F, whose flags and questions these are; where burgee
answers otherwise than its suite would like, a test says so.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagEvaluationOptions, FlagType, Reason
from openfeature.hook import Hook, HookContext, HookHints
from openfeature.provider import ProviderStatus
from openfeature.telemetry import TelemetryAttribute, create_evaluation_event
from openfeature.track import TrackingEventDetails

from burgee.client import Client
from burgee.client.openfeature import BurgeeProvider
from burgee.core.model import DATETIME
from tests import serving
from tests.builders import (
    Normal,
    a_boolean_flag,
    a_constraint,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    an_entity_constraint,
)
from tests.places import ENVIRONMENT, Place

ADA = "5c3d8535-f81a-4478-a6d3-afaa4d51199e"
PICTURES = {"showImages": True, "title": "Check out these pics!", "imagesPerPage": 100}
DEFAULTS: dict[str, Any] = {"boolean": False, "string": "fallback", "integer": 1, "float": 0.1, "object": {"none": 1}}


def with_default(key: str, *variants: Normal, **fields: Any) -> Normal:
    """A variant flag that answers with the first variant where no rule does."""
    first, *others = variants
    return a_flag(key, variants=[{**first, "default": True}, *others], **fields)


FLAGS = (
    a_boolean_flag("boolean-flag", enabled=True),
    a_boolean_flag("boolean-zero-flag", a_threshold(100, value=False), enabled=True),
    with_default("string-flag", a_variant("hi"), a_variant("bye")),
    with_default("integer-flag", a_variant("ten", 10), a_variant("one", 1)),
    with_default("integer-zero-flag", a_variant("zero", 0), a_variant("non-zero", 1)),
    with_default("integer-key-flag", a_variant("10"), a_variant("1")),
    with_default("large-integer-flag", a_variant("max-int32", 2**31 - 1)),
    with_default("huge-integer-flag", a_variant("max-safe", 2**53 - 1)),
    with_default("float-flag", a_variant("half", 0.5), a_variant("tenth", 0.1)),
    with_default("integral-float-flag", a_variant("ten", 10.0)),
    with_default("object-flag", a_variant("template", PICTURES), a_variant("empty", {})),
    with_default("object-zero-flag", a_variant("empty", {})),
    with_default("list-flag", a_variant("pair", [1, 2])),
    a_boolean_flag("disabled-boolean-flag"),
    with_default("disabled-string-flag", a_variant("hi"), enabled=False),
    with_default("disabled-integer-flag", a_variant("ten", 10), enabled=False),
    with_default("disabled-float-flag", a_variant("half", 0.5), enabled=False),
    with_default("targeting-key-flag", a_variant("miss"), a_variant("hit"), rules=[a_rule("ada", [("hit", 100)])]),
    a_flag("no-default-flag", variants=[a_variant("a", {"x": 1})], rules=[a_rule("ada", [("a", 100)])]),
    a_boolean_flag("targeted-boolean-flag", a_segment_rollout("pro")),
    a_boolean_flag("attribute-flag", a_segment_rollout("key-is-ada")),
    a_boolean_flag("date-flag", a_segment_rollout("early")),
    a_boolean_flag("unreadable-flag", a_segment_rollout("unreadable")),
    a_boolean_flag("half-boolean-flag", a_threshold(50)),
    a_flag(
        "half-string-flag",
        variants=[a_variant("a"), a_variant("b")],
        rules=[a_rule("everybody", [("a", 50), ("b", 50)])],
    ),
    {
        **a_boolean_flag("metadata-flag", enabled=True),
        "metadata": {"string": "1.0.2", "integer": 2, "float": 0.1, "boolean": True},
    },
)
SEGMENTS = (
    a_segment("everybody"),
    a_segment("unreadable", [a_constraint("plan", "eq", "pro", type="COLOR_COMPARISON_TYPE")]),
    a_segment("ada", [an_entity_constraint("eq", ADA)]),
    a_segment("pro", [a_constraint("plan", "eq", "pro")]),
    a_segment("key-is-ada", [a_constraint("targetingKey", "eq", ADA)]),
    a_segment("early", [a_constraint("since", "lt", "2026-01-01T00:00:00Z", type=DATETIME)]),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("openfeature") / "store")
    place.publish(*FLAGS, segments=SEGMENTS, beside={"mobile": [a_boolean_flag("only-mobile", enabled=True)]})
    return place


@pytest.fixture
def client(place: Place) -> Iterator[OpenFeatureClient]:
    api.set_provider_and_wait(BurgeeProvider(place.url, environment=ENVIRONMENT))
    yield api.get_client()
    api.shutdown()


def details(
    client: OpenFeatureClient, kind: str, key: str, default: Any = None, context: EvaluationContext | None = None
) -> FlagEvaluationDetails[Any]:
    default = DEFAULTS[kind] if default is None else default
    found = client.evaluate_flag_details(FlagType[kind.upper()], key, default, context)
    in_loop = asyncio.run(client.evaluate_flag_details_async(FlagType[kind.upper()], key, default, context))
    assert found == in_loop, "the asynchronous methods answer the same"
    return found


def resolved(found: FlagEvaluationDetails[Any]) -> tuple[Any, ...]:
    assert (found.error_code, found.error_message) == (None, None)
    return found.value, found.variant, found.reason


@pytest.mark.parametrize(
    ("key", "kind", "value", "variant"),
    [
        ("boolean-flag", "boolean", True, "true"),
        ("string-flag", "string", "hi", "hi"),
        ("integer-flag", "integer", 10, "ten"),
        ("integer-key-flag", "integer", 10, "10"),
        ("integer-zero-flag", "integer", 0, "zero"),
        ("large-integer-flag", "integer", 2147483647, "max-int32"),
        ("huge-integer-flag", "integer", 9007199254740991, "max-safe"),
        ("integral-float-flag", "integer", 10, "ten"),
        ("float-flag", "float", 0.5, "half"),
        ("integer-flag", "float", 10.0, "ten"),
        ("integer-zero-flag", "float", 0.0, "zero"),
        ("object-flag", "object", PICTURES, "template"),
        ("object-zero-flag", "object", {}, "empty"),
        ("list-flag", "object", [1, 2], "pair"),
    ],
)
def test_a_flag_without_rules_resolves_statically(
    client: OpenFeatureClient, key: str, kind: str, value: Any, variant: str
) -> None:
    for context in (None, EvaluationContext("somebody", {"plan": "free"})):
        found = details(client, kind, key, context=context)
        assert resolved(found) == (value, variant, Reason.STATIC)
        assert type(found.value) is type(value)


def test_what_is_false_is_a_value(client: OpenFeatureClient) -> None:
    found = details(client, "boolean", "boolean-zero-flag", True)
    assert resolved(found) == (False, "false", Reason.SPLIT)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        *(("boolean", key) for key in ("string-flag", "integer-flag", "float-flag", "object-flag")),
        *((kind, "boolean-flag") for kind in ("string", "integer", "float", "object")),
        *((kind, "string-flag") for kind in ("integer", "float", "object")),
        *((kind, "object-flag") for kind in ("integer", "float")),
        ("integer", "float-flag"),
        ("object", "integer-flag"),
    ],
)
def test_the_wrong_type_is_the_callers_default_and_a_mismatch(client: OpenFeatureClient, kind: str, key: str) -> None:
    found = details(client, kind, key)
    assert (found.value, found.variant) == (DEFAULTS[kind], None)
    assert (found.reason, found.error_code) == (Reason.ERROR, ErrorCode.TYPE_MISMATCH)
    assert repr(key) in (found.error_message or "")


@pytest.mark.parametrize("key", ["integer-flag", "float-flag", "object-flag"])
def test_a_variant_flag_is_a_string_flag_whatever_it_has_attached(client: OpenFeatureClient, key: str) -> None:
    """Appendix F's suite wants TYPE_MISMATCH; but in Flipt's format every variant has a key, and that is its string."""
    found = details(client, "string", key)
    assert found.error_code is None
    assert found.value == found.variant


@pytest.mark.parametrize("kind", DEFAULTS)
@pytest.mark.parametrize("key", ["missing-flag", "", 'a"b'])
def test_an_unknown_flag_is_the_callers_default_and_not_found(client: OpenFeatureClient, kind: str, key: str) -> None:
    found = details(client, kind, key)
    assert (found.value, found.reason) == (DEFAULTS[kind], Reason.ERROR)
    assert found.error_code is ErrorCode.FLAG_NOT_FOUND


@pytest.mark.parametrize(
    ("kind", "default"), [("boolean", False), ("string", "bye"), ("integer", 1), ("float", 0.1), ("object", {})]
)
def test_a_disabled_flag_is_the_callers_default(client: OpenFeatureClient, kind: str, default: Any) -> None:
    key = "disabled-string-flag" if kind == "object" else f"disabled-{kind}-flag"
    found = details(client, kind, key, default)
    assert (found.value, found.reason, found.error_code) == (default, Reason.DISABLED, None)


def test_a_boolean_flag_that_is_off_is_false_whatever_the_callers_default(client: OpenFeatureClient) -> None:
    """A boolean flag's `enabled` is its value: somebody has switched it off."""
    found = details(client, "boolean", "disabled-boolean-flag", True)
    assert resolved(found) == (False, "false", Reason.DISABLED)


@pytest.mark.parametrize(
    ("context", "value", "reason"),
    [
        (EvaluationContext(ADA), "hit", Reason.TARGETING_MATCH),
        (EvaluationContext("f20bd32d-703b-48b6-bc8e-79d53c85134a"), "miss", Reason.DEFAULT),
        (None, "miss", Reason.DEFAULT),
    ],
)
def test_a_rule_sees_the_targeting_key(
    client: OpenFeatureClient, context: EvaluationContext | None, value: str, reason: Reason
) -> None:
    assert resolved(details(client, "string", "targeting-key-flag", context=context)) == (value, value, reason)


@pytest.mark.parametrize("kind", ["string", "integer", "float", "object"])
def test_where_no_variant_was_chosen_the_callers_default_is_the_answer(client: OpenFeatureClient, kind: str) -> None:
    found = details(client, kind, "no-default-flag")
    assert resolved(found) == (DEFAULTS[kind], None, Reason.DEFAULT)


def test_a_segment_that_matches_is_a_targeting_match_and_named(client: OpenFeatureClient) -> None:
    found = details(client, "boolean", "targeted-boolean-flag", context=EvaluationContext("x", {"plan": "pro"}))
    assert resolved(found) == (True, "true", Reason.TARGETING_MATCH)
    assert found.flag_metadata["segments"] == "pro"


@pytest.mark.parametrize(("kind", "key"), [("boolean", "half-boolean-flag"), ("string", "half-string-flag")])
def test_a_percentage_is_a_split_and_stays_with_who_asks(client: OpenFeatureClient, kind: str, key: str) -> None:
    found = [details(client, kind, key, context=EvaluationContext(f"user-{number}")) for number in range(40)]
    assert len({str(each.value) for each in found}) == 2
    assert Reason.SPLIT in {each.reason for each in found} <= {Reason.SPLIT, Reason.DEFAULT}


@pytest.mark.parametrize("context", [None, EvaluationContext(), EvaluationContext("", {"plan": "pro"})])
@pytest.mark.parametrize(("kind", "key"), [("boolean", "half-boolean-flag"), ("string", "half-string-flag")])
def test_a_percentage_needs_a_targeting_key(
    client: OpenFeatureClient, kind: str, key: str, context: EvaluationContext | None
) -> None:
    found = details(client, kind, key, context=context)
    assert (found.value, found.error_code) == (DEFAULTS[kind], ErrorCode.TARGETING_KEY_MISSING)


def test_constraints_see_the_targeting_key_as_a_property_too(client: OpenFeatureClient) -> None:
    assert details(client, "boolean", "attribute-flag", context=EvaluationContext(ADA)).value is True
    assert details(client, "boolean", "attribute-flag", context=EvaluationContext("x")).value is False
    of_another_sdk = EvaluationContext(attributes={"targetingKey": ADA})
    assert details(client, "boolean", "attribute-flag", context=of_another_sdk).value is True
    assert details(client, "string", "targeting-key-flag", context=of_another_sdk).value == "hit"


@pytest.mark.parametrize(
    ("since", "value"),
    [
        (datetime(2025, 12, 31, 23, 59), True),
        (datetime(2026, 1, 1, tzinfo=UTC), False),
        ("2025-12-31T23:59:59Z", True),
    ],
)
def test_constraints_see_dates(client: OpenFeatureClient, since: datetime | str, value: bool) -> None:
    context = EvaluationContext("x", {"since": since, "nested": {"a": [1]}})
    assert resolved(details(client, "boolean", "date-flag", context=context))[0] is value


class Plan(str, Enum):  # noqa: UP042 - a StrEnum's text is its value anyway
    PRO = "pro"


@pytest.mark.parametrize("value", [Plan.PRO, "pro"])
def test_attributes_may_be_of_other_kinds_where_no_constraint_looks(client: OpenFeatureClient, value: Any) -> None:
    context = EvaluationContext("x", {"plan": value, "cart": {"items": [1, 2]}, "tags": ["a"], "since": datetime.now()})
    assert details(client, "boolean", "targeted-boolean-flag", context=context).value is True


@pytest.mark.parametrize("value", [{"items": 1}, ["pro"], float("nan"), object()])
def test_an_attribute_without_a_text_is_an_invalid_context_where_a_constraint_looks(
    client: OpenFeatureClient, value: Any
) -> None:
    found = details(client, "boolean", "targeted-boolean-flag", context=EvaluationContext("x", {"plan": value}))
    assert (found.value, found.error_code) == (False, ErrorCode.INVALID_CONTEXT)
    assert "'plan'" in (found.error_message or "")


def test_a_constraint_that_nobody_can_read_is_a_parse_error(client: OpenFeatureClient) -> None:
    found = details(client, "boolean", "unreadable-flag", True, EvaluationContext("x", {"plan": "pro"}))
    assert (found.value, found.error_code) == (True, ErrorCode.PARSE_ERROR)


def test_contexts_of_api_client_and_call_are_merged(client: OpenFeatureClient) -> None:
    api.set_evaluation_context(EvaluationContext(ADA, {"plan": "free"}))
    client.context = EvaluationContext(attributes={"plan": "pro"})
    assert details(client, "boolean", "targeted-boolean-flag").value is True
    assert details(client, "string", "targeting-key-flag").value == "hit"


def test_metadata_names_the_release_and_has_what_the_author_wrote(client: OpenFeatureClient) -> None:
    found = details(client, "boolean", "metadata-flag")
    written = {"string": "1.0.2", "integer": 2, "float": 0.1, "boolean": True}
    place = {"environment": ENVIRONMENT, "namespace": "default", "revision": 1}
    assert {**written, **place}.items() <= found.flag_metadata.items()
    assert str(found.flag_metadata["digest"]).startswith("sha256:")
    assert {type(value) for value in found.flag_metadata.values()} <= {bool, str, int, float}


def test_metadata_has_the_attachment_as_text(client: OpenFeatureClient) -> None:
    found = details(client, "string", "object-flag")
    assert json.loads(str(found.flag_metadata["attachment"])) == PICTURES


def test_nobody_changes_what_the_next_one_gets(client: OpenFeatureClient) -> None:
    found = client.get_object_details("object-flag", {})
    assert isinstance(found.value, dict)
    found.value.clear()
    copied = copy.deepcopy(found)
    with pytest.raises(TypeError):
        found.flag_metadata["revision"] = 99  # type: ignore[index]
    assert copied.flag_metadata == found.flag_metadata
    assert client.get_object_value("object-flag", {}) == PICTURES


def test_the_provider_has_a_name(client: OpenFeatureClient) -> None:
    assert api.get_provider_metadata().name == "burgee"
    assert client.provider.get_metadata().name == "burgee"


class Telemetry(Hook):
    def __init__(self) -> None:
        self.attributes: dict[Any, Any] = {}

    def finally_after(self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints) -> None:
        self.attributes = dict(create_evaluation_event(hook_context, details).attributes)


def test_telemetry_finds_the_set_and_version_of_a_flag(client: OpenFeatureClient) -> None:
    telemetry = Telemetry()
    client.get_boolean_value("boolean-flag", False, EvaluationContext("x"), FlagEvaluationOptions([telemetry]))
    assert telemetry.attributes[TelemetryAttribute.SET_ID] == "production/default"
    assert telemetry.attributes[TelemetryAttribute.VERSION] == "1"
    assert telemetry.attributes[TelemetryAttribute.PROVIDER_NAME] == "burgee"


def test_what_is_tracked_is_handed_over_and_a_fault_of_it_kept_away(place: Place) -> None:
    tracked: list[Any] = []

    def track(*event: Any) -> None:
        tracked.append(event)
        raise ValueError("nowhere to keep it")

    api.set_provider_and_wait(BurgeeProvider(place.url, environment=ENVIRONMENT, on_track=track))
    what = TrackingEventDetails(9.5, {"currency": "EUR"})
    api.get_client().track("bought", EvaluationContext("x", {"plan": "pro"}), what)
    api.shutdown()
    assert tracked == [("bought", EvaluationContext("x", {"plan": "pro"}), what)]


def test_tracking_without_a_taker_is_nothing(client: OpenFeatureClient) -> None:
    client.track("bought")


def test_another_namespace_is_a_provider_of_its_own(place: Place) -> None:
    with Client(place.url, environment=ENVIRONMENT) as reader:
        api.set_provider_and_wait(BurgeeProvider(reader), "default")
        api.set_provider_and_wait(BurgeeProvider(reader, namespace="mobile"), "mobile")
        default, mobile = api.get_client("default"), api.get_client("mobile")
        assert default.get_boolean_details("only-mobile", False).error_code is ErrorCode.FLAG_NOT_FOUND
        found = mobile.get_boolean_details("only-mobile", False)
        assert (found.value, found.flag_metadata["namespace"]) == (True, "mobile")
        api.shutdown()


def test_a_namespace_that_the_release_lacks_has_no_flags(place: Place) -> None:
    api.set_provider_and_wait(BurgeeProvider(place.url, environment=ENVIRONMENT, namespace="nope"))
    assert api.get_client().get_boolean_details("boolean-flag", False).error_code is ErrorCode.FLAG_NOT_FOUND
    api.shutdown()


@pytest.mark.parametrize("kind", DEFAULTS)
def test_without_a_store_the_callers_default_is_the_answer(tmp_path: Path, kind: str) -> None:
    provider = BurgeeProvider((tmp_path / "nothing").as_uri(), environment=ENVIRONMENT)
    with pytest.raises(ProviderNotReadyError, match="nothing"):
        api.set_provider_and_wait(provider)
    assert api.get_client().get_provider_status() is ProviderStatus.ERROR
    found = details(api.get_client(), kind, "boolean-flag")
    api.shutdown()
    assert (found.value, found.reason) == (DEFAULTS[kind], Reason.ERROR)
    assert found.error_code is ErrorCode.PROVIDER_NOT_READY


def test_a_configuration_that_cannot_work_is_fatal() -> None:
    with pytest.raises(ProviderFatalError, match="unknown scheme 'gopher'"):
        api.set_provider_and_wait(BurgeeProvider("gopher://flags", environment=ENVIRONMENT))
    client = api.get_client()
    assert client.get_provider_status() is ProviderStatus.FATAL
    assert client.get_boolean_details("boolean-flag", True).error_code is ErrorCode.PROVIDER_FATAL
    api.shutdown()


def test_arguments_that_nobody_knows_are_told_at_once(place: Place) -> None:
    with pytest.raises(TypeError, match="tll"):
        BurgeeProvider(place.url, environment=ENVIRONMENT, tll=5)
    with pytest.raises(TypeError, match="environment"):
        BurgeeProvider(place.url)
    with Client(place.url, environment=ENVIRONMENT) as reader, pytest.raises(TypeError, match="brings its own"):
        BurgeeProvider(reader, ttl=5)


def test_before_and_after_its_time_a_provider_is_not_ready(place: Place) -> None:
    provider = BurgeeProvider(place.url, environment=ENVIRONMENT)
    assert provider.resolve_boolean_details("boolean-flag", False).error_code is ErrorCode.PROVIDER_NOT_READY
    provider.initialize(EvaluationContext())
    assert provider.resolve_boolean_details("boolean-flag", False).value is True
    provider.shutdown()
    provider.shutdown()
    assert provider.resolve_string_details("string-flag", "x").error_code is ErrorCode.PROVIDER_NOT_READY
    provider.initialize(EvaluationContext())
    assert provider.resolve_string_details("string-flag", "x").value == "hi"
    provider.shutdown()


@pytest.mark.parametrize("p", ["y", "n", "-"])
def test_values_and_variants_are_those_of_the_remote_protocol(tmp_path: Path, p: str) -> None:
    place, served = Place(tmp_path / "store"), serving.Served()
    answering = [flag for flag in serving.FLAGS if flag.get("enabled") or flag.get("type")]
    place.publish(*answering)
    api.set_provider_and_wait(BurgeeProvider(place.url, environment=ENVIRONMENT))
    for flag in answering:
        for entity in ("user-1", "user-2", "user-3", "user-4"):
            question = {"context": {"targetingKey": entity, "p": p}}
            _, remote = served.post(f"/ofrep/v1/evaluate/flags/{flag['key']}", question)
            kind = "boolean" if flag.get("type") else "string"
            here = details(api.get_client(), kind, flag["key"], context=EvaluationContext(entity, {"p": p}))
            assert (here.value, here.variant) == (remote["value"], remote["variant"])
            # Of boolean flags Flipt tells nothing more over that protocol.
            for name in ("segments", "attachment") if kind == "string" else ():
                assert here.flag_metadata.get(name) == remote["metadata"].get(name)
    api.shutdown()
