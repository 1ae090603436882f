"""The client and flags with a schedule: it goes by the clock, without a look at the store."""

from __future__ import annotations

from typing import Any

import pytest

from burgee.client import Client
from burgee.core.errors import InvalidDocument, Unavailable
from burgee.core.instant import format_instant
from tests.builders import a_boolean_flag, a_document, a_flag, a_rule, a_threshold, a_variant, scheduled
from tests.fakes.clients import ClientScene


class Scheduled(ClientScene):
    """`sale` is on from 1 s from now until 2 s from now, `button` is blue from then on; then the store is down."""

    def __init__(self) -> None:
        super().__init__()
        first, second = (format_instant(self.clock.wall() + seconds * 1_000) for seconds in (1, 2))
        sale = scheduled(a_boolean_flag("sale"), {"at": first, "enabled": True}, {"at": second, "enabled": False})
        button = scheduled(
            a_flag(
                "button",
                variants=[a_variant("blue"), a_variant("green")],
                rules=[a_rule("everybody", [("blue", 50), ("green", 50)])],
            ),
            {"at": second, "rule": 1, "weights": {"blue": 100, "green": 0}},
        )
        self.publish(a_document([sale, button, a_boolean_flag("half", a_threshold(50))]).content)

    def started(self, **options: Any) -> Client:
        client = self.client(**options)
        self.fetcher.faults[""] = Unavailable("the store is down")
        return client


def test_an_answer_changes_at_the_step_and_at_no_other_time() -> None:
    scene = Scheduled()
    with scene.started() as client:
        answers = [client.boolean("sale", "ada").enabled]
        for milliseconds in (999, 1, 999, 1):
            scene.clock.advance(milliseconds)
            answers.append(client.boolean("sale", "ada").enabled)
    assert answers == [False, False, True, True, False]


def test_all_flags_and_the_evaluation_of_either_type_go_by_the_instant_too() -> None:
    scene = Scheduled()
    with scene.started() as client:
        client.boolean("half", "ada")
        before = client.evaluate_all("ada")
        scene.clock.advance(2_000)
        after = client.evaluate_all("ada")
        assert client.evaluate("button", "ada") == after["button"] == client.variant("button", "ada")
        # An entity that is not as usual goes another way.
        assert client.variant("button", 42).variant_key == "blue"  # type: ignore[arg-type]
    assert list(before) == list(after) == ["button", "half", "sale"]
    assert after["button"].variant_key == "blue"


def test_flags_without_a_schedule_stay_on_the_fast_way() -> None:
    scene = Scheduled()
    with scene.started() as client:
        client.boolean("half", "ada")
        client.boolean("sale", "ada")
        assert list(client._fast[2]) == ["half"]


def test_a_result_is_described_by_the_flag_as_it_is_now() -> None:
    scene = Scheduled()
    with scene.started() as client:
        scene.clock.advance(2_000)
        flag = client.definition(client.variant("button", "ada"))
        assert flag is not None
        assert [share["rollout"] for share in flag["rules"][0]["distributions"]] == [100, 0]


def test_a_schedule_that_nobody_understands_has_its_flag_answer_the_default() -> None:
    scene = ClientScene()
    odd = scheduled(a_boolean_flag("odd", a_threshold(0)), {"at": format_instant(0), "rollout": 1, "percentage": "all"})
    scene.publish(a_document([odd, a_boolean_flag("plain", enabled=True)]).content)
    with scene.client() as client:
        answer = client.boolean("odd", "ada", default=True)
        assert (answer.enabled, client.boolean("plain", "ada", default=False).enabled) == (True, True)
        assert "ERROR" in answer.reason
        with pytest.raises(InvalidDocument, match="namespace 'default': flag 'odd' has a schedule"):
            client.evaluate_all("ada")


@pytest.mark.parametrize("flag", ["sale", "button"])
def test_exposures_are_told_of_flags_with_a_schedule(flag: str) -> None:
    seen: list[str] = []
    with Scheduled().started(on_exposure=lambda result, entity, context: seen.append(result.flag_key)) as client:
        client.evaluate(flag, "ada")
    assert seen == [flag]
