"""The client's answers: results, contexts as users have them, defaults, namespaces, and arguments that cannot work."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from burgee.bundle.index import Index, Listed
from burgee.client import NOBODY, BooleanResult, Client, VariantResult
from burgee.core.errors import (
    BurgeeError,
    ConfigurationError,
    FlagNotFound,
    InvalidContext,
    NamespaceNotFound,
    NotFound,
    NotReady,
    TargetingKeyMissing,
    Unavailable,
    WrongFlagType,
)
from burgee.core.model import BOOLEAN, DEFAULT, MATCH, NUMBER
from tests.builders import (
    EVERYBODY,
    NO,
    YES,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    an_entity_constraint,
)
from tests.fakes.clients import ClientScene, hanging
from tests.fakes.scene import HEAD

HALVES = [("a", 50.0), ("b", 50.0)]
ME = a_segment("me", [an_entity_constraint("eq", "42")])
NOT_ME = a_segment("not-me", [an_entity_constraint("isnotoneof", '["42"]')])
ADULT = a_segment("adult", [a_constraint("age", "gte", "18", type=NUMBER)])
BETA = a_segment("beta", [a_constraint("beta", "true", type=BOOLEAN)])
FLAGS = (
    a_boolean_flag("plain", enabled=True),
    a_boolean_flag("by-segment", a_segment_rollout("yes")),
    a_boolean_flag("by-entity", a_segment_rollout("me")),
    a_boolean_flag("by-other-entities", a_segment_rollout("not-me")),
    a_boolean_flag("adults", a_segment_rollout("adult")),
    a_boolean_flag("testers", a_segment_rollout("beta")),
    a_boolean_flag("half", a_threshold(50)),
    a_flag(
        "split",
        variants=[a_variant("a", {"colour": "red"}), a_variant("b")],
        rules=[a_rule("yes", [("a", 100)]), a_rule("everybody", HALVES)],
        metadata={"team": "web"},
    ),
)
DOCUMENT = a_document(FLAGS, [YES, NO, EVERYBODY, ME, NOT_ME, ADULT, BETA]).content
OTHER = a_document([a_boolean_flag("other", enabled=True)], namespace="beta").content


@pytest.fixture
def scene() -> ClientScene:
    made = ClientScene()
    made.publish(DOCUMENT, OTHER)
    return made


@pytest.fixture
def client(scene: ClientScene) -> Client:
    return scene.client()


class Plan(StrEnum):
    YES = "y"


class Level(str, Enum):  # noqa: UP042 - the older kind, whose str() is another text
    YES = "y"


# Results


def test_a_boolean_result_says_why_and_of_which_release(scene: ClientScene) -> None:
    result = scene.client().boolean("by-segment", "user-1", {"p": "y"})
    release = scene.live.current().release
    assert result == BooleanResult("by-segment", True, MATCH, ("yes",), release.revision, release.bundle, False)
    assert result


def test_a_variant_result_carries_the_attachment_as_text(client: Client) -> None:
    result = client.variant("split", "user-1", {"p": "y"})
    assert result[:6] == ("split", True, "a", '{"colour":"red"}', MATCH, ("yes",))
    assert (result.revision, result.stale, bool(result)) == (1, False, True)
    assert result.attachment_value == {"colour": "red"}


def test_a_flag_of_either_type_is_evaluated_by_evaluate(client: Client) -> None:
    assert client.evaluate("plain", "user-1") == client.boolean("plain", "user-1")
    assert client.evaluate("split", "user-1") == client.variant("split", "user-1")


def test_all_flags_are_evaluated_together_as_one_by_one(client: Client) -> None:
    context: dict[str, str | int] = {"p": "y", "age": 20, "beta": True}
    together = client.evaluate_all("user-1", context)
    assert list(together) == sorted(flag["key"] for flag in FLAGS) == client.keys()
    assert together == {key: client.evaluate(key, "user-1", context) for key in together}


def test_the_first_and_every_later_evaluation_answer_the_same(client: Client) -> None:
    first = client.boolean("half", "user-1", {"p": "y"})
    assert [client.boolean("half", "user-1", {"p": "y"}) for _ in range(3)] == [first] * 3


def test_a_context_may_be_left_out_be_none_or_any_mapping(client: Client) -> None:
    assert client.boolean("by-segment", "user-1").reason == DEFAULT
    assert client.boolean("by-segment", "user-1", None).reason == DEFAULT  # type: ignore[arg-type]
    assert client.boolean("by-segment", "user-1", MappingProxyType({"p": "y"})).reason == MATCH
    assert client.evaluate_all("user-1", None)["by-segment"].reason == DEFAULT  # type: ignore[arg-type]


def test_metadata_is_the_callers_own_copy(client: Client) -> None:
    client.metadata("split")["team"] = "changed"
    assert client.metadata("split") == {"team": "web"}
    assert client.metadata("plain") == {}
    with pytest.raises(FlagNotFound):
        client.metadata("nope")


# What is wrong, and defaults


def test_without_a_default_what_is_wrong_is_raised(client: Client) -> None:
    with pytest.raises(FlagNotFound, match='flag "default/nope" not found'):
        client.boolean("nope", "user-1")
    with pytest.raises(WrongFlagType):
        client.boolean("split", "user-1")
    with pytest.raises(WrongFlagType):
        client.variant("plain", "user-1")
    with pytest.raises(NamespaceNotFound):
        client.namespace("nope").evaluate("plain", "user-1")


def test_a_default_is_answered_where_a_flag_is_missing_or_of_the_other_type(client: Client) -> None:
    assert client.boolean("nope", "user-1", default=True) == (
        "nope",
        True,
        "FLAG_NOT_FOUND_EVALUATION_REASON",
        (),
        0,
        "",
        False,
    )
    assert client.variant("nope", "user-1", default="a").variant_key == "a"
    assert client.boolean("split", "user-1", default=True)[1:3] == (True, "ERROR_EVALUATION_REASON")
    assert client.variant("plain", "user-1", default="a")[1:3] == (False, "a")
    absent = client.namespace("nope").boolean("plain", "user-1", default=False)
    assert (absent.enabled, absent.reason) == (False, "FLAG_NOT_FOUND_EVALUATION_REASON")


def test_a_default_is_not_answered_where_the_flag_has_an_answer(client: Client) -> None:
    assert client.boolean("plain", "user-1", default=False).enabled is True
    assert client.variant("split", "user-1", {"p": "y"}, default="b").variant_key == "a"


def test_before_the_first_release_evaluations_raise_not_ready_or_answer_the_default() -> None:
    client = ClientScene().client()
    assert client.ready is False
    for evaluate in (client.boolean, client.variant, client.evaluate):
        with pytest.raises(NotReady, match="no release of 'staging' to answer from yet: no object"):
            evaluate("plain", "user-1")
    with pytest.raises(NotReady):
        client.evaluate_all("user-1")
    with pytest.raises(NotReady):
        client.keys()
    assert client.boolean("plain", "user-1", default=True)[1:3] == (True, "ERROR_EVALUATION_REASON")
    assert client.variant("split", "user-1", default="a").variant_key == "a"


# Contexts as users have them


@pytest.mark.parametrize("value", ["y", Plan.YES, Level.YES])
def test_texts_and_their_enumerations_are_the_text_they_hold(client: Client, value: str) -> None:
    assert client.boolean("by-segment", "user-1", {"p": value}).reason == MATCH
    assert client.evaluate_all("user-1", {"p": value})["by-segment"].reason == MATCH


@pytest.mark.parametrize(
    ("value", "matches"),
    [
        *((18, True), (18.0, True), ("18", True), (1e300, True), (2**70, True)),
        *((17, False), (17.5, False), (-0.0, False), (-(2**70), False), (None, False), (True, False), ("", False)),
    ],
)
def test_numbers_are_compared_as_numbers(client: Client, value: Any, matches: bool) -> None:
    assert bool(client.boolean("adults", "user-1", {"age": value})) is matches
    assert bool(client.evaluate_all("user-1", {"age": value})["adults"]) is matches


@pytest.mark.parametrize(
    ("value", "matches"), [(True, True), (False, False), ("true", True), (1, True), (0, False), (None, False)]
)
def test_booleans_are_read_as_booleans(client: Client, value: Any, matches: bool) -> None:
    assert bool(client.boolean("testers", "user-1", {"beta": value})) is matches


ODD = [["y"], {"a": 1}, {"y"}, b"y", object(), float("nan"), float("inf"), 10**5000, 1j]


@pytest.mark.parametrize("value", ODD, ids=[type(value).__name__ for value in ODD])
def test_a_value_without_a_text_is_refused_by_name_where_it_is_looked_at(client: Client, value: Any) -> None:
    for key in ("by-segment", "split"):
        with pytest.raises(InvalidContext, match="property 'p': "):
            client.evaluate(key, "user-1", {"p": value})
    with pytest.raises(InvalidContext, match="property 'p': "):
        client.evaluate_all("user-1", {"p": value})
    assert client.boolean("by-segment", "user-1", {"p": value}, default=True)[1:3] == (True, "ERROR_EVALUATION_REASON")


@pytest.mark.parametrize("value", ODD, ids=[type(value).__name__ for value in ODD])
def test_a_value_without_a_text_does_no_harm_where_nobody_looks_at_it(scene: ClientScene, value: Any) -> None:
    seen: list[dict[str, str]] = []
    for client in (scene.client(), scene.client(on_exposure=lambda result, entity, context: seen.append(context))):
        for entity in ("42", 42, "\ud800"):
            assert client.boolean("half", entity, {"unused": value, "p": "y"}).flag_key == "half"  # type: ignore[arg-type]
    assert seen == [{"p": "y"}] * 3


@pytest.mark.parametrize("context", [["p"], "p=y", 42, object()])
def test_what_is_no_context_is_refused_where_it_is_looked_at(client: Client, context: Any) -> None:
    with pytest.raises(InvalidContext, match="a context maps names to values, got"):
        client.boolean("by-segment", "user-1", context)
    with pytest.raises(InvalidContext):
        client.evaluate_all("user-1", context)
    assert client.boolean("by-segment", "user-1", context, default=True).enabled is True


# Who asks


@pytest.mark.parametrize("key", [flag["key"] for flag in FLAGS])
@pytest.mark.parametrize(("entity", "text"), [(42, "42"), (42.0, "42"), (7, "7"), (True, "true")])
def test_an_entity_id_that_is_no_text_is_the_one_that_it_is_written_as(
    client: Client, key: str, entity: Any, text: str
) -> None:
    contexts: list[dict[str, str | int]] = [{}, {"p": "y"}, {"p": "n", "age": 30}]
    for context in contexts:
        assert client.evaluate(key, entity, context) == client.evaluate(key, text, context)
        assert client.evaluate_all(entity, context) == client.evaluate_all(text, context)


@pytest.mark.parametrize("entity", ["\ud800", "user-\udfff", "\udc00\ud800"])
def test_half_a_surrogate_pair_is_replaced_as_every_reader_of_requests_does(client: Client, entity: str) -> None:
    replaced = entity.translate(dict.fromkeys(range(0xD800, 0xE000), "\ufffd"))
    for key in (flag["key"] for flag in FLAGS):
        assert client.evaluate(key, entity, {"p": "\ud800"}) == client.evaluate(key, replaced, {"p": "\ud800"})
    assert client.evaluate_all(entity) == client.evaluate_all(replaced)


def test_the_halves_of_a_surrogate_pair_are_the_character_they_make(client: Client) -> None:
    for number in range(50):
        entity = f"user-{number}-\ud83d\ude00"
        assert client.boolean("half", entity) == client.boolean("half", f"user-{number}-\U0001f600")


def test_a_flag_key_that_no_text_can_hold_is_not_found(client: Client) -> None:
    for key in ("\ud800", "a\0b", 'q"', "\n"):
        with pytest.raises(FlagNotFound):
            client.boolean(key, "user-1")


@pytest.mark.parametrize("entity", ODD, ids=[type(value).__name__ for value in ODD])
def test_an_entity_id_without_a_text_is_refused(client: Client, entity: Any) -> None:
    with pytest.raises(InvalidContext, match="entity id: "):
        client.boolean("half", entity)
    assert client.boolean("half", entity, default=True).enabled is True


def test_nobody_has_answers_that_need_no_bucket(client: Client) -> None:
    assert client.boolean("by-segment", NOBODY, {"p": "y"}).reason == MATCH
    assert client.variant("split", NOBODY, {"p": "y"}).variant_key == "a"
    assert client.boolean("by-other-entities", NOBODY).reason == DEFAULT
    with pytest.raises(TargetingKeyMissing):
        client.boolean("half", NOBODY)
    with pytest.raises(TargetingKeyMissing):
        client.variant("split", NOBODY)
    with pytest.raises(TargetingKeyMissing):
        client.evaluate_all(NOBODY)
    assert client.boolean("half", NOBODY, default=True)[1:3] == (True, "ERROR_EVALUATION_REASON")


def test_none_is_nobody(client: Client) -> None:
    none: Any = None
    assert client.boolean("by-segment", none, {"p": "y"}) == client.boolean("by-segment", NOBODY, {"p": "y"})
    assert client.boolean("by-other-entities", none).reason == DEFAULT
    for ask in (client.boolean, client.evaluate):
        with pytest.raises(TargetingKeyMissing):
            ask("half", none)
    with pytest.raises(TargetingKeyMissing):
        client.evaluate_all(none)


# Namespaces and environments


def test_another_namespace_answers_from_the_same_release(client: Client) -> None:
    beta = client.namespace("beta")
    assert beta.boolean("other", "user-1").revision == client.boolean("plain", "user-1").revision == 1
    assert beta.keys() == ["other"]
    assert client.namespace("beta") is beta
    with pytest.raises(FlagNotFound, match='"beta/plain"'):
        beta.boolean("plain", "user-1")


def test_a_client_may_have_another_namespace_than_the_default_one(scene: ClientScene) -> None:
    client = scene.client(namespace="beta")
    assert client.keys() == ["other"]
    assert client.namespace("").keys() == client.namespace("default").keys() == sorted(flag["key"] for flag in FLAGS)


def test_a_namespace_that_comes_and_goes_is_there_while_it_is_published(scene: ClientScene, client: Client) -> None:
    late = client.namespace("gamma")
    with pytest.raises(NamespaceNotFound):
        late.boolean("other", "user-1")
    scene.publish(DOCUMENT, OTHER, a_document([a_boolean_flag("other", enabled=True)], namespace="gamma").content)
    client.refresh()
    assert late.boolean("other", "user-1").enabled is True
    scene.publish(DOCUMENT)
    client.refresh()
    for flags in (late, client.namespace("beta")):
        with pytest.raises(NamespaceNotFound):
            flags.boolean("other", "user-1")


def test_two_environments_in_one_process_answer_from_their_own_releases(scene: ClientScene) -> None:
    from tests.fakes.publisher import a_document as on_or_off
    from tests.fakes.publisher import publish

    for environment, enabled in (("one", True), ("two", False)):
        publish(scene.store, {"default": on_or_off(enabled=enabled)}, at=scene.clock.wall(), environment=environment)
    one, two = scene.client(environment="one"), scene.client(environment="two")
    assert [bool(one.boolean("on", "x")), bool(two.boolean("on", "x"))] == [True, False]
    publish(scene.store, {"default": on_or_off(enabled=False)}, at=scene.clock.wall(), environment="one")
    one.refresh()
    assert [(bool(of.boolean("on", "x")), of.status().revision) for of in (one, two)] == [(False, 2), (False, 1)]


# Status


def test_status_says_what_answers_since_when_and_how_old_that_is(scene: ClientScene, client: Client) -> None:
    scene.clock.advance(1_234)
    release, status = scene.live.current().release, client.status()
    assert (status.environment, status.revision, status.bundle) == ("staging", 1, release.bundle)
    assert (status.commit, status.active_since) == ("commit1", release.activates_at)
    assert (status.age_ms, status.stale, status.pending, status.last_error) == (1_234, False, [], None)
    assert client.ready is True


# Arguments


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ttl": 0}, "ttl is a number of seconds up to 86400, got 0"),
        ({"ttl": -1}, "ttl"),
        ({"ttl": float("nan")}, "ttl"),
        ({"ttl": float("inf")}, "ttl"),
        ({"refresh": "never"}, """refresh is "lazy" or "background", got 'never'"""),
        ({"environment": "Production"}, "environment names match"),
        ({"environment": ""}, "environment names match"),
        ({"ttl": "10"}, "ttl is a number of seconds"),
        ({"start_timeout": None}, "start_timeout is a number of seconds"),
        ({"start_timeout": float("nan")}, "start_timeout is a number of seconds"),
        ({"disk": ""}, "disk is a folder"),
        ({"verify_keys": []}, r"verify_keys is a list of public keys .* or None for none, got \[\]"),
        ({"verify_keys": [5]}, "verify_keys is a list of public keys"),
        ({"verify_keys": [""]}, "is not a public key"),
        ({"verify_keys": "ed25519:AA=="}, "verify_keys is a list of public keys"),
        ({"on_change": "x"}, "on_change is something to call"),
        ({"on_exposure": 1}, "on_exposure is something to call"),
        ({"environment": "../staging"}, "environment names match"),
    ],
)
def test_arguments_that_cannot_work_are_refused_at_once(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ClientScene().client(**options)


@pytest.mark.parametrize("urls", [(), ("flags",), ("ftp://host",), ("file://host/flags",), ("https://a", "nope://b")])
def test_urls_that_name_nothing_to_read_from_are_refused_at_once(urls: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError):
        Client(*urls, environment="staging")


@pytest.mark.parametrize("fault", [Unavailable("the store sleeps"), RuntimeError("a bug"), MemoryError()])
def test_a_store_that_does_not_answer_is_no_reason_not_to_begin(fault: Exception) -> None:
    scene = ClientScene()
    scene.fetcher.faults[HEAD] = fault
    client = scene.client()
    assert client.boolean("plain", "user-1", default=True).enabled is True
    assert client.status().last_error
    scene.fetcher.faults.clear()
    scene.publish(DOCUMENT)
    client.wait_until_ready()
    assert client.boolean("plain", "user-1").reason == DEFAULT


# The beginning and the end


@pytest.mark.parametrize("start_timeout", [0, 0.05, -1])
def test_the_constructor_waits_for_a_hanging_store_for_no_longer_than_it_may(start_timeout: float) -> None:
    scene = ClientScene()
    scene.publish(DOCUMENT)
    with hanging(scene.fetcher) as store:
        client = scene.client(start_timeout=start_timeout)
        assert client.ready is False
        assert client.boolean("plain", "user-1", default=False).enabled is False
        with pytest.raises(Unavailable, match="the store of 'staging' has not answered in time"):
            client.wait_until_ready(0.01)
        store.go()
        client.wait_until_ready()
    assert client.boolean("plain", "user-1").enabled is True
    assert scene.asked() == 1


def test_the_constructor_may_wait_without_end(scene: ClientScene) -> None:
    assert scene.client(start_timeout=float("inf")).ready is True


def test_wait_until_ready_raises_what_went_wrong_with_the_last_look_when_the_time_is_up() -> None:
    client = ClientScene().client()
    with pytest.raises(BurgeeError, match=r"no object environments/staging/head\.json"):
        client.wait_until_ready(0.1)


def test_wait_until_ready_looks_again_until_there_is_a_release() -> None:
    scene = ClientScene()
    client = scene.client()
    scene.fetcher.pause = lambda key: scene.publish(DOCUMENT) if scene.asked() == 3 else None
    client.wait_until_ready(10)
    assert client.boolean("plain", "user-1").enabled is True


def test_a_closed_client_goes_on_answering_and_looks_no_more(scene: ClientScene) -> None:
    with scene.client() as client:
        assert client.boolean("plain", "user-1").enabled is True
    scene.publish(DOCUMENT)
    for _ in range(5):
        scene.clock.advance(3_600_000)
        assert client.boolean("plain", "user-1").revision == 1
    assert client.boolean("plain", "user-1").stale is True
    assert scene.asked() == 1
    client.close()
    client.refresh()
    assert client.status().revision == 2


def test_results_of_a_release_outlive_it(scene: ClientScene, client: Client) -> None:
    before: list[BooleanResult | VariantResult] = list(client.evaluate_all("user-1").values())
    copies = [tuple(result) for result in before]
    scene.publish(DOCUMENT)
    client.refresh()
    assert [tuple(result) for result in before] == copies
    assert client.status().bundle not in {result.digest for result in before}


def ask_each(client: Client) -> list[Callable[[], object]]:
    """Every way to ask a client."""
    return [
        lambda: client.boolean("plain", "user-1"),
        lambda: client.variant("split", "user-1"),
        lambda: client.evaluate("plain", "user-1"),
        lambda: client.evaluate_all("user-1"),
        lambda: client.keys(),
        lambda: client.metadata("split"),
    ]


@pytest.mark.parametrize("way", range(6))
def test_any_way_to_ask_makes_the_look_that_is_due(scene: ClientScene, way: int) -> None:
    client = scene.client()
    scene.publish(DOCUMENT)
    scene.clock.advance(60_000)
    ask_each(client)[way]()
    assert client.catch_up(10)
    assert (scene.asked(), client.status().revision) == (2, 2)


# Where to look


def test_a_head_that_is_gone_is_looked_for_and_nothing_else(scene: ClientScene) -> None:
    client = scene.client()
    scene.fetcher.faults[HEAD] = NotFound("gone")
    scene.fetcher.calls.clear()
    with pytest.raises(NotFound, match=r"^gone$"):
        client.refresh()
    assert scene.fetcher.calls == [HEAD]


def test_a_wrong_environment_is_told_with_those_there_are() -> None:
    scene = ClientScene()
    scene.publish(DOCUMENT)
    scene.store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    with pytest.raises(NotReady, match="this store has the environments staging"):
        scene.client(environment="stagign").boolean("plain", "user-1")


def test_an_environment_without_a_release_and_a_place_that_is_no_store_are_told_so() -> None:
    scene = ClientScene()
    with pytest.raises(NotReady, match="the address of something else than a store"):
        scene.client().boolean("plain", "user-1")
    scene.store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    with pytest.raises(NotReady, match="nothing has been released to it yet"):
        scene.client().boolean("plain", "user-1")
