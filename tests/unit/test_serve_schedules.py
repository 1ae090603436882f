"""What is served of flags with a schedule: every way of asking goes by the instant, and by nothing kept before it."""

from __future__ import annotations

import json
from typing import Any

from burgee.core.instant import format_instant
from burgee.core.schedule import SCHEDULE
from tests.builders import a_boolean_flag, a_flag, a_rule, a_threshold, a_variant, scheduled
from tests.serving import Served, header
from tests.unit.test_serve_streams import LINES, Client

SNAPSHOT = "/internal/v1/evaluation/snapshot/namespace/default"
FLAGS = "/api/v1/namespaces/default/flags"
BULK = "/ofrep/v1/evaluate/flags"
ASKER = {"context": {"targetingKey": "ada"}}


def a_served_schedule(*, streams: bool = False) -> Served:
    """`sale` is switched on a second from now, `half` goes from 0 to 100 in the 100 seconds after that."""
    start = Served().clock.wall() + 1_000
    on = {"at": format_instant(start), "enabled": True}
    ramp = {"from": format_instant(start), "until": format_instant(start + 100_000), "rollout": 1}
    return Served(
        scheduled(a_boolean_flag("sale"), on),
        scheduled(a_boolean_flag("half", a_threshold(0)), {**ramp, "percentage": [0, 100]}),
        a_flag("plain", variants=[a_variant("a")], rules=[a_rule("everybody", [("a", 100)])]),
        streams=streams,
    )


def snapshot_flags(served: Served) -> dict[str, Any]:
    return {flag["key"]: flag for flag in json.loads(served.call("GET", SNAPSHOT).body)["flags"]}


def percentage(served: Served) -> int:
    found: int = snapshot_flags(served)["half"]["rollouts"][0]["threshold"]["percentage"]
    return found


def test_an_evaluation_goes_by_the_instant() -> None:
    served = a_served_schedule()
    asked = {"flagKey": "sale", "entityId": "ada", "context": {}}
    assert served.post("/evaluate/v1/boolean", asked)[1]["enabled"] is False
    served.clock.advance(1_000)
    assert served.post("/evaluate/v1/boolean", asked)[1]["enabled"] is True
    batch = served.post("/evaluate/v1/batch", {"requests": [asked]})[1]
    assert batch["responses"][0]["booleanResponse"]["enabled"] is True


def test_all_flags_of_ofrep_have_another_etag_after_a_step() -> None:
    served = a_served_schedule()
    before = served.call("POST", BULK, ASKER)
    served.clock.advance(999)
    assert served.call("POST", BULK, ASKER, headers={"if-none-match": header(before, "etag") or ""}).status == 304
    served.clock.advance(1)
    after = served.call("POST", BULK, ASKER, headers={"if-none-match": header(before, "etag") or ""})
    assert after.status == 200
    assert {flag["key"]: flag["value"] for flag in json.loads(after.body)["flags"]}["sale"] is True


def test_a_schedule_that_nobody_understands_is_the_error_of_its_flag_alone() -> None:
    steps = json.dumps([{"at": format_instant(0), "rollout": 1, "percentage": ["all", 5]}])
    odd = a_boolean_flag("odd", a_threshold(0)) | {"metadata": {SCHEDULE: steps}}
    served = Served(odd, a_boolean_flag("plain", enabled=True), a_boolean_flag("told") | {"metadata": 1})
    flags = {flag["key"]: flag for flag in json.loads(served.call("POST", BULK, ASKER).body)["flags"]}
    assert {key: flag.get("value") for key, flag in flags.items()} == {"odd": None, "plain": True, "told": False}
    assert "namespace 'default': flag 'odd' has a schedule" in flags["odd"]["errorDetails"]
    asked: list[Any] = [{"flagKey": key, "entityId": "ada", "context": {}} for key in ("odd", "plain", "told")]
    batch = served.post("/evaluate/v1/batch", {"requests": asked})[1]["responses"]
    assert [answer["type"].partition("_")[0] for answer in batch] == ["ERROR", "BOOLEAN", "BOOLEAN"]


def test_a_snapshot_is_that_of_the_instant_and_its_etag_changes_at_each_step() -> None:
    served = a_served_schedule()
    etags = [header(served.call("GET", SNAPSHOT), "etag")]
    assert (snapshot_flags(served)["sale"]["enabled"], percentage(served)) == (False, 0)
    for seconds in (1, 1, 40):
        served.clock.advance(seconds * 1_000)
        etags.append(header(served.call("GET", SNAPSHOT), "etag"))
    assert (snapshot_flags(served)["sale"]["enabled"], percentage(served)) == (True, 41)
    assert len(set(etags)) == len(etags)


def test_between_two_steps_a_snapshot_is_made_once() -> None:
    served = a_served_schedule()
    served.clock.advance(1_000)
    first = served.call("GET", SNAPSHOT).body
    served.clock.advance(999)
    assert served.call("GET", SNAPSHOT).body is first
    served.clock.advance(1)
    assert served.call("GET", SNAPSHOT).body is not first


def test_a_compressed_snapshot_changes_with_the_other_one() -> None:
    served = a_served_schedule()
    gzip = {"accept-encoding": "gzip"}
    before = served.call("GET", SNAPSHOT, headers=gzip).body
    served.clock.advance(1_000)
    assert served.call("GET", SNAPSHOT, headers=gzip).body != before


def test_snapshots_hold_no_schedule() -> None:
    assert SCHEDULE.encode() not in a_served_schedule().call("GET", SNAPSHOT).body


def test_a_clock_that_is_set_back_has_the_snapshot_of_before() -> None:
    served = a_served_schedule()
    served.clock.advance(1_000)
    assert snapshot_flags(served)["sale"]["enabled"] is True
    served.clock.step_wall(-500)
    assert snapshot_flags(served)["sale"]["enabled"] is False


def test_a_stream_has_news_at_each_step() -> None:
    served = a_served_schedule(streams=True)
    client = Client(served.call("GET", LINES))
    assert client.news() is not None
    served.clock.advance(999)
    assert client.news() is None
    served.clock.advance(1)
    assert {flag["key"]: flag["enabled"] for flag in client.snapshot()["flags"]}["sale"] is True
    assert client.news() is None


def test_lists_of_flags_show_them_as_they_are_now_and_their_schedule() -> None:
    served = a_served_schedule()

    def listed() -> list[bool]:
        (of_all,) = (flag for flag in served.get(FLAGS)[1]["flags"] if flag["key"] == "sale")
        single = served.get(f"{FLAGS}/sale")[1]
        assert SCHEDULE in of_all["metadata"] and SCHEDULE in single["metadata"]
        return [of_all["enabled"], single["enabled"]]

    assert listed() == [False, False]
    served.clock.advance(1_000)
    assert listed() == [True, True]
