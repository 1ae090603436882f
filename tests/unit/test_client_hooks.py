"""Hooks: which changes and exposures a client tells, in which order, and what a hook cannot spoil."""

from __future__ import annotations

import _thread
import logging
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from threading import Event

import pytest

from burgee.bundle.head import append, encode_head
from burgee.client import NOBODY, BooleanResult, Change, Client, VariantResult
from burgee.fetch.live import Status
from tests.builders import (
    EVERYBODY,
    NO,
    YES,
    Normal,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
)
from tests.fakes.clients import SECONDS, ClientScene, looked
from tests.fakes.publisher import a_release
from tests.fakes.scene import HEAD, TTL_MS

PLAIN = a_boolean_flag("plain", enabled=True)
BY_YES = a_boolean_flag("by-yes", a_segment_rollout("yes"))
BY_NO = a_flag("by-no", variants=[a_variant("a")], rules=[a_rule("no", [("a", 100)])])


def content(*flags: Normal, yes: Normal = YES, namespace: str = "default") -> bytes:
    return a_document(flags, [yes, NO, EVERYBODY], namespace).content


class Told:
    """A hook that keeps what it was told."""

    def __init__(self) -> None:
        self._told: SimpleQueue[Change] = SimpleQueue()

    def __call__(self, change: Change) -> None:
        self._told.put(change)

    def next(self) -> Change:
        """The next change that is told."""
        return self._told.get(timeout=SECONDS)

    def nothing(self) -> bool:
        """Whether there is none."""
        try:
            self._told.get_nowait()
        except Empty:
            return True
        return False


def changed(before: list[bytes], after: list[bytes]) -> Mapping[str, tuple[str, ...]]:
    """The flags that are told when one release follows the other."""
    scene, told = ClientScene(), Told()
    scene.publish(*before)
    client = scene.client(on_change=told)
    assert told.next().before is None
    scene.publish(*after)
    client.refresh()
    change = told.next()
    assert (change.before, change.after, change.environment) == (1, 2, "staging")
    assert change.digest == client.status().bundle
    flags: Mapping[str, tuple[str, ...]] = change.flags
    return flags


# Changes


def test_the_first_release_is_told_with_all_its_flags_as_a_change_from_nothing() -> None:
    scene, told = ClientScene(), Told()
    release = scene.publish(content(PLAIN, BY_YES), content(BY_NO, namespace="beta"))
    client = scene.client(on_change=told)
    flags = {"default": ("by-yes", "plain"), "beta": ("by-no",)}
    assert told.next() == Change("staging", None, 1, release.bundle, flags)
    client.refresh()
    assert told.nothing()


def test_flags_that_are_new_gone_or_otherwise_are_told() -> None:
    before = content(PLAIN, BY_YES, a_boolean_flag("gone"))
    after = content(PLAIN, a_boolean_flag("by-yes", a_segment_rollout("no")), a_boolean_flag("new"))
    assert changed([before], [after]) == {"default": ("by-yes", "gone", "new")}


def test_flags_that_use_a_segment_that_is_otherwise_are_told() -> None:
    otherwise = a_segment("yes", [a_constraint("p", "eq", "other")])
    before, after = content(PLAIN, BY_YES, BY_NO), content(PLAIN, BY_YES, BY_NO, yes=otherwise)
    assert changed([before], [after]) == {"default": ("by-yes",)}


def test_a_namespace_that_comes_or_goes_brings_and_takes_its_flags() -> None:
    default, beta = content(PLAIN), content(BY_YES, namespace="beta")
    assert changed([default, beta], [default]) == {"beta": ("by-yes",)}
    assert changed([default], [default, beta]) == {"beta": ("by-yes",)}


def test_a_release_in_which_nothing_changes_is_told_with_no_flags() -> None:
    assert changed([content(PLAIN)], [content(PLAIN)]) == {}


def test_under_another_profile_every_flag_may_answer_otherwise() -> None:
    scene, told = ClientScene(), Told()
    scene.publish(content(PLAIN, BY_YES))
    client = scene.client(on_change=told)
    told.next()
    head = scene.store.read_head("staging")
    assert head is not None
    documents = {"default": content(PLAIN, BY_YES)}
    release = a_release(head[0], documents, at=scene.clock.wall(), environment="staging")._replace(profile="S1/server")
    scene.fetcher.contents[HEAD] = encode_head(append(head[0], release, max_reader_ttl_seconds=60))
    client.refresh()
    assert told.next().flags == {"default": ("by-yes", "plain")}


def test_changes_are_told_in_their_order_each_from_where_the_one_before_ended() -> None:
    scene, told = ClientScene(), Told()
    scene.publish(content(PLAIN))
    client = scene.client(on_change=told)
    for _ in range(50):
        scene.publish(content(PLAIN))
        client.refresh()
    revision = None
    while revision != 51:
        change = told.next()
        assert change.before == revision
        revision = change.after


def test_a_pending_release_is_told_when_it_becomes_active_and_not_before() -> None:
    scene, told = ClientScene(), Told()
    scene.publish(content(PLAIN))
    scene.publish(content(PLAIN, BY_YES), active_after=1_000)
    client = scene.client(on_change=told)
    told.next()
    scene.clock.advance(999)
    client.boolean("plain", "x")
    assert told.nothing()
    scene.clock.advance(1)
    client.boolean("plain", "x")
    assert told.next().flags == {"default": ("by-yes",)}
    assert scene.asked() == 1


def test_the_hook_finds_the_release_it_is_told_of() -> None:
    scene = ClientScene()
    found: SimpleQueue[tuple[int, int]] = SimpleQueue()
    scene.publish(content(PLAIN))
    client = scene.client()

    def look(change: Change) -> None:
        found.put((change.after, client.boolean("plain", "x").revision))

    client.watch(on_change=look)
    for revision in range(2, 30):
        scene.publish(content(PLAIN))
        client.refresh()
        assert found.get(timeout=SECONDS) == (revision, revision)


def test_a_hook_that_raises_is_logged_and_told_of_the_next_change_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene, told = ClientScene(), Told()

    def stumble(change: Change) -> None:
        told(change)
        raise RuntimeError("a mistake of the user's")

    scene.publish(content(PLAIN))
    with caplog.at_level(logging.ERROR, "burgee.client"):
        client = scene.client(on_change=stumble)
        assert told.next().after == 1
        scene.publish(content(PLAIN))
        client.refresh()
        assert told.next().after == 2
        assert client.boolean("plain", "x").revision == 2
    assert caplog.records[0].getMessage() == "the hook on_change failed"
    assert caplog.records[0].exc_info is not None


def test_a_hook_that_takes_its_time_holds_nothing_up_and_gathers_no_threads() -> None:
    scene, told, go, entered = ClientScene(), Told(), Event(), Event()

    def dawdle(change: Change) -> None:
        entered.set()
        assert go.wait(SECONDS)
        told(change)

    scene.publish(content(PLAIN))
    client = scene.client(on_change=dawdle)
    assert entered.wait(SECONDS)
    threads = _thread._count()
    for revision in range(2, 40):
        scene.publish(content(PLAIN))
        client.refresh()
        assert client.boolean("plain", "x").revision == revision
        scene.clock.advance(TTL_MS)
        client.boolean("plain", "x")
        looked(client)
    # At most the look that has just ended, beside the hook that was running before.
    assert _thread._count() <= threads + 1
    go.set()
    assert told.next().after == 1
    # All that came meanwhile is one change.
    assert (change := told.next()).before == 1
    assert change.after == 39
    assert told.nothing()


def test_a_hook_may_refresh_and_close_the_client_that_tells_it() -> None:
    scene, done = ClientScene(), Event()
    scene.publish(content(PLAIN))
    client = scene.client()

    def end(change: Change) -> None:
        client.refresh()
        client.close()
        done.set()

    client.watch(on_change=end)
    scene.publish(content(PLAIN))
    client.refresh()
    assert done.wait(SECONDS)


def test_more_hooks_can_be_added_and_taken_away_beside_the_first() -> None:
    scene, first, second = ClientScene(), Told(), Told()
    statuses: SimpleQueue[Status] = SimpleQueue()
    scene.publish(content(PLAIN))
    client = scene.client(on_change=first)
    first.next()
    unwatch = client.watch(on_change=second, on_status=statuses.put)
    scene.publish(content(PLAIN))
    client.refresh()
    assert first.next() == second.next()
    assert statuses.get(timeout=SECONDS).revision == 2
    unwatch()
    scene.publish(content(PLAIN))
    client.refresh()
    assert first.next().after == 3
    assert second.nothing()


# Exposures

Exposure = tuple[BooleanResult | VariantResult, str, Mapping[str, str]]


class Exposed(list[Exposure]):
    """A hook that keeps what it was told."""

    def __call__(self, *exposure: object) -> None:
        self.append(exposure)  # type: ignore[arg-type]


FLAGS = content(PLAIN, BY_YES, BY_NO, a_boolean_flag("half", a_threshold(50)))


def an_exposing_client(hook: object) -> Client:
    scene = ClientScene()
    scene.publish(FLAGS)
    return scene.client(on_exposure=hook)


def test_each_evaluation_of_one_flag_is_told_with_its_result_entity_and_context() -> None:
    exposed = Exposed()
    client = an_exposing_client(exposed)
    results: list[BooleanResult | VariantResult] = [
        client.boolean("by-yes", "user-1", {"p": "y"}),
        client.boolean("by-yes", "user-1", {"p": "y"}),
        client.variant("by-no", "user-2", {"p": "n"}, default="b"),
        client.evaluate("plain", "user-3"),
    ]
    entities, contexts = ["user-1", "user-1", "user-2", "user-3"], [{"p": "y"}, {"p": "y"}, {"p": "n"}, {}]
    assert exposed == list(zip(results, entities, contexts, strict=True))
    assert results[2][2] == "a"


def test_exposures_have_texts_however_the_evaluation_was_asked_for() -> None:
    exposed = Exposed()
    client = an_exposing_client(exposed)
    client.boolean("half", 42, {"p": True, "n": 1.0, "none": None, "odd": [1]})  # type: ignore[arg-type]
    client.boolean("plain", NOBODY)
    assert [exposure[1:] for exposure in exposed] == [("42", {"p": "true", "n": "1", "none": ""}), ("", {})]


def test_the_context_that_was_told_is_not_the_callers() -> None:
    exposed = Exposed()
    client = an_exposing_client(exposed)
    context = {"p": "y"}
    client.boolean("by-yes", "user-1", context)
    context["p"] = "n"
    assert exposed[0][2] == {"p": "y"}


def test_what_is_no_evaluation_of_one_flag_is_no_exposure() -> None:
    exposed = Exposed()
    client = an_exposing_client(exposed)
    client.evaluate_all("user-1")
    client.keys()
    client.metadata("plain")
    client.boolean("nope", "user-1", default=True)
    client.variant("plain", "user-1", default="a")
    assert exposed == []


def test_exposures_of_another_namespace_are_told_too() -> None:
    exposed, scene = Exposed(), ClientScene()
    scene.publish(FLAGS, content(PLAIN, namespace="beta"))
    scene.client(on_exposure=exposed).namespace("beta").boolean("plain", "user-1")
    assert len(exposed) == 1


def test_an_exposure_hook_that_raises_is_logged_and_changes_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    def stumble(*exposure: object) -> None:
        raise RuntimeError("a mistake of the user's")

    client = an_exposing_client(stumble)
    with caplog.at_level(logging.ERROR, "burgee.client"):
        assert client.boolean("plain", "user-1").enabled is True
    assert [record.getMessage() for record in caplog.records] == ["the hook on_exposure failed"]


def test_a_log_of_a_stumbling_hook_says_nothing_of_who_asked(caplog: pytest.LogCaptureFixture) -> None:
    """'Never evaluation contexts (they are people), never secrets.'"""

    def stumble(*exposure: object) -> None:
        raise RuntimeError("a mistake of the user's")

    client = an_exposing_client(stumble)
    with caplog.at_level(logging.DEBUG):
        client.boolean("by-yes", "somebody@example.org", {"p": "their secret"})
    assert "somebody" not in caplog.text
    assert "secret" not in caplog.text
