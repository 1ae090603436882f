"""One function says whether a release may be made."""

from __future__ import annotations

from typing import Any

import pytest

from burgee.bundle.head import Head, append
from burgee.deliver.permission import Kind, decide
from tests.fakes.publisher import a_document, a_release

NOON = 1_800_000_000_000
HOLD = {"by": "ann", "reason": "rolled back", "since": "2027-01-15T07:00:00.000Z"}
FREEZE = {"by": "ann", "reason": "sale", "since": "2027-01-15T07:00:00.000Z", "until": "2027-01-15T09:00:00.000Z"}


def a_head(**said: Any) -> Head:
    release = a_release(None, {"default": a_document()}, at=NOON - 1, environment="production")
    return append(None, release, max_reader_ttl_seconds=60)._replace(**said)


@pytest.mark.parametrize("head", [None, a_head()])
@pytest.mark.parametrize("kind", ["publish", "rollback"])
def test_nothing_keeps_a_release_back_where_nothing_is_said(head: Head | None, kind: Kind) -> None:
    assert decide(head, kind, now=NOON).may_be_made


@pytest.mark.parametrize(
    ("said", "kind", "kept_back_by"),
    [
        ({"hold": HOLD}, "publish", "hold"),
        ({"hold": HOLD}, "rollback", None),
        ({"freeze": FREEZE}, "publish", "freeze"),
        ({"freeze": FREEZE}, "rollback", "freeze"),
        ({"hold": HOLD, "freeze": FREEZE}, "publish", "freeze"),
    ],
)
def test_a_hold_keeps_publishes_back_and_a_freeze_everything(
    said: dict[str, Any], kind: Kind, kept_back_by: str | None
) -> None:
    assert decide(a_head(**said), kind, now=NOON).kept_back_by == kept_back_by


def test_a_freeze_ends_at_its_instant() -> None:
    head = a_head(freeze=FREEZE)
    assert not decide(head, "publish", now=NOON + 3_599_999).may_be_made
    assert decide(head, "publish", now=NOON + 3_600_000).may_be_made


def test_a_freeze_without_an_end_lasts_until_it_is_resumed() -> None:
    head = a_head(freeze={**FREEZE, "until": None})
    assert not decide(head, "publish", now=NOON + 10**12).may_be_made


def test_what_is_broken_through_is_named() -> None:
    verdict = decide(a_head(hold=HOLD, freeze=FREEZE), "publish", now=NOON, override="the fix of it")
    assert verdict.may_be_made
    assert verdict.overrides == ("freeze", "hold")


def test_a_verdict_says_until_when_why_and_by_whom() -> None:
    message = decide(a_head(freeze=FREEZE), "publish", now=NOON).message
    assert message == "frozen until 2027-01-15T09:00:00.000Z: sale (by ann)"


def test_what_another_version_said_is_obeyed_too() -> None:
    assert decide(a_head(hold="because"), "publish", now=NOON).message == "held: because"
