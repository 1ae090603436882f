"""Impact: who gets another answer, what is said of it, and how dangerous it is called."""

from __future__ import annotations

import re
from json import dumps
from typing import Any

import pytest

from burgee.core.errors import InvalidRequest
from burgee.core.instant import format_instant
from burgee.deliver.changes import compare
from burgee.impact.effects import FlagImpact, Impact, Side, impact
from burgee.impact.fields import impact_fields
from burgee.impact.lines import impact_lines
from burgee.impact.markdown import MOST_CHARACTERS, Compared, markdown
from burgee.impact.samples import Sample, read_samples
from tests.builders import (
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
    named,
)

BLUE_GREEN = [a_variant("blue"), a_variant("green")]
BETA = a_segment("beta", [a_constraint("user", "isoneof", '["ann","bob"]')])
WIDER = a_segment("beta", [a_constraint("user", "isoneof", '["ann","bob","cleo"]')])
PRO = a_segment("pro", [a_constraint("plan", "eq", "pro")])


def the_impact(
    old: Any, new: Any, *, samples: tuple[Sample, ...] = (), at: int = 0, profile: str = "C/server"
) -> Impact:
    """Of a flag, or a flag with its segments, or None, that becomes another."""
    before, after = (Side(documents(side), profile) for side in (old, new))
    return impact(before, after, at, samples)


def documents(side: Any) -> dict[str, Any]:
    flag, segments = side if isinstance(side, tuple) else (side, (BETA, PRO))
    return {"default": a_document([flag] if flag else [], segments)}


def the_flag(old: Any, new: Any, **more: Any) -> FlagImpact:
    (flag,) = the_impact(old, new, **more).flags
    return flag


def told(flag: FlagImpact) -> dict[str, tuple[int, list[str]]]:
    """By label: buckets that change, and how."""
    return {each.label: (each.changed, list(map(str, each.transitions))) for each in flag.now.shares.populations}


def split(blue: float, *, segment: Normal | str = "beta", **more: Any) -> Normal:
    return a_flag(variants=BLUE_GREEN, rules=[a_rule(segment, [("blue", blue), ("green", 100 - blue)])], **more)


def test_moved_weights_change_their_difference_for_whom_the_rule_decides() -> None:
    assert told(the_flag(split(80), split(50))) == {
        "matched by beta (rule 1)": (300, ["blue -> green"]),
        "everybody else": (0, []),
    }


def test_a_threshold_after_a_segment_changes_nobody_in_the_segment() -> None:
    old, new = (a_boolean_flag("flag", a_segment_rollout("beta"), a_threshold(share)) for share in (10, 30))
    assert told(the_flag(old, new)) == {
        "matched by beta (rollout 1)": (0, []),
        "everybody else": (200, ["false -> true"]),
    }


def test_thresholds_that_follow_one_another_share_their_buckets() -> None:
    old = a_boolean_flag("flag", a_threshold(10), a_threshold(40, value=False))
    new = a_boolean_flag("flag", a_threshold(20), a_threshold(40, value=False), enabled=True)
    assert told(the_flag(old, new)) == {"everybody": (700, ["false -> true"])}


def test_whoever_enters_a_segment_is_a_group_of_their_own_and_nobody_leaves_a_wider_one() -> None:
    flag = the_flag((split(100), [BETA]), (split(100), [WIDER]))
    assert (flag.action, flag.segments) == ("affected", ("beta",))
    assert told(flag) == {
        "matched by beta (rule 1)": (0, []),
        "newly matched by beta (rule 1)": (1000, ["no variant -> blue"]),
        "everybody else": (0, []),
    }
    assert (flag.risk.level, the_flag((split(100), [WIDER]), (split(100), [BETA])).risk.level) == ("medium", "medium")


def test_a_segment_that_loses_its_conditions_opens_the_flag_to_everybody() -> None:
    flag = the_flag((split(100), [BETA]), (split(100), [a_segment("beta")]))
    assert told(flag) == {
        "matched by beta (rule 1)": (0, []),
        "newly matched by beta (rule 1)": (1000, ["no variant -> blue"]),
    }
    assert flag.risk.level == "high"


def test_a_segment_that_is_only_renamed_or_written_in_another_order_changes_nothing() -> None:
    conditions = [a_constraint("a", "eq", "1"), a_constraint("b", "eq", "2")]
    old, new = a_segment("beta", conditions), {**a_segment("beta", conditions[::-1]), "name": "Beta testers"}
    assert told(the_flag((split(100), [old]), (split(100), [new]))) == {
        "matched by beta (rule 1)": (0, []),
        "everybody else": (0, []),
    }


def test_a_new_rule_before_another_takes_its_people_from_it() -> None:
    rule = a_rule("beta", [("blue", 100.0)])
    old = a_flag(variants=BLUE_GREEN, rules=[rule])
    new = a_flag(variants=BLUE_GREEN, rules=[a_rule("pro", [("green", 100.0)]), rule])
    assert told(the_flag(old, new)) == {
        "matched by pro (rule 1), before by beta (rule 1)": (1000, ["blue -> green"]),
        "matched by pro (rule 1), before by none": (1000, ["no variant -> green"]),
        "matched by beta (rule 2), before by beta (rule 1)": (0, []),
        "everybody else": (0, []),
    }


def test_another_attachment_is_another_answer_and_said_as_such() -> None:
    def flag(attachment: Any) -> Normal:
        variants = [a_variant("blue", attachment), a_variant("green")]
        return a_flag(variants=variants, rules=[a_rule("beta", [("blue", 50.0), ("green", 50.0)])])

    found = the_flag(flag({"x": 1}), flag({"x": 2}))
    assert told(found)["matched by beta (rule 1)"] == (500, ["blue with another attachment"])
    assert found.risk.level == "medium"


def test_a_reason_alone_is_no_other_answer_but_is_counted() -> None:
    (population,) = the_flag(
        a_boolean_flag(), a_boolean_flag("flag", a_threshold(100, value=False))
    ).now.shares.populations
    assert (population.changed, population.reasons) == (0, 1000)


@pytest.mark.parametrize(("profile", "reasons"), [("C/server", 1000), ("S1/server", 0)])
def test_a_flag_that_is_off_gives_a_reason_of_its_own_where_the_profile_has_one(profile: str, reasons: int) -> None:
    flag = the_flag(a_boolean_flag(), a_boolean_flag("flag", a_threshold(0)), profile=profile)
    assert [(each.changed, each.reasons) for each in flag.now.shares.populations] == [(0, reasons)]


def test_a_default_variant_that_no_rule_gave_is_another_answer_than_one_that_a_rule_gave() -> None:
    variants = [a_variant("blue", default=True)]
    old, new = (
        a_flag(variants=variants, rules=[a_rule("beta", [("blue", 100.0)])], enabled=on) for on in (False, True)
    )
    assert told(the_flag(old, new))["matched by beta (rule 1)"] == (1000, ["blue (match: false) -> blue"])


def test_a_flag_that_goes_answers_that_it_is_not_found() -> None:
    flag = the_flag(split(100), None)
    assert told(flag)["matched by beta (rule 1)"] == (1000, ["blue -> FLAG_NOT_FOUND"])
    assert (flag.action, flag.risk.level) == ("removed", "high")


def test_more_segments_than_are_combined_are_taken_by_pairs_and_it_is_said() -> None:
    segments = [a_segment(f"s{number}", [a_constraint(f"p{number}", "eq", "y")]) for number in range(14)]

    def flag(blue: float) -> Normal:
        rules = [a_rule(f"s{at}", [("blue", blue), ("green", 100 - blue)]) for at in range(14)]
        return a_flag(variants=BLUE_GREEN, rules=rules)

    found = the_flag((flag(50), segments), (flag(40), segments))
    assert not found.now.shares.exact
    assert [each.changed for each in found.now.shares.populations] == [100] * 14 + [0]
    assert "more than 12 segments" in text(the_impact((flag(50), segments), (flag(40), segments)))


RISKS = [
    ("none", split(80), split(80, description="Another one")),
    ("low", split(80), split(75)),
    ("low", None, split(80)),
    ("medium", split(80), split(60)),
    ("high", split(80), split(20)),
    ("high", split(80), None),
    ("high", split(80), a_boolean_flag("flag", enabled=True)),
    ("high", split(80), split(80, enabled=False)),
    ("high", a_boolean_flag("flag", enabled=True), a_boolean_flag("flag", a_threshold(99), enabled=False)),
    ("high", split(80), {**split(80), "rules": [a_rule("beta", [("blue", 80.0), ("green", 20.0)]), a_rule("beta")]}),
]


@pytest.mark.parametrize(("level", "old", "new"), RISKS)
def test_the_risk_is_what_the_table_says(level: str, old: Normal | None, new: Normal | None) -> None:
    flag = the_flag(old, new)
    assert flag.risk.level == level
    assert bool(flag.risk.reasons) is (level != "none")


def test_a_rule_that_was_not_reached_before_either_is_no_new_danger() -> None:
    def flag(blue: float) -> Normal:
        rules = [a_rule(segment, [("blue", blue), ("green", 100 - blue)]) for segment in ("beta", "beta")]
        return a_flag(variants=BLUE_GREEN, rules=rules)

    found = the_flag(flag(80), flag(78))
    assert [(part.number, part.is_new) for part in found.shadowed] == [(2, False)]
    assert found.risk.level == "low"


def test_a_ramp_is_one_change_from_end_to_end_and_a_step_of_its_own_is_another() -> None:
    steps = [
        {"at": format_instant(1000), "percentage": 5, "rollout": 1},
        {"from": format_instant(2000), "until": format_instant(9000), "percentage": [5, 100], "rollout": 1},
    ]
    flag = a_boolean_flag("flag", a_threshold(0))
    new = {**flag, "metadata": {"burgee.schedule": dumps(steps)}}
    found = the_flag(flag, new)
    assert [(each.since, each.until, each.shares.most, each.risk.level) for each in found.later] == [
        (1000, None, 50, "low"),
        (2000, 9000, 950, "medium"),
    ]
    assert found.risk.reasons == ("1970-01-01T00:00:02.000Z: everybody: 95 % of entities get another answer",)
    running = the_flag(flag, new, at=5000)
    assert [(each.since, each.until) for each in running.later] == [(5000, 9000)]
    assert [(each.since, each.shares.most) for each in the_flag(new, {**flag, "name": "x"}).dropped] == [
        (1000, 50),
        (2000, 950),
    ]


def test_samples_are_answered_by_evaluation_and_weighed() -> None:
    samples = (Sample("ann", {"user": "ann"}), Sample("x", {}, weight=10), Sample("ann", {"user": "ann"}, "other"))
    found = the_impact(a_boolean_flag(), a_boolean_flag("flag", a_segment_rollout("beta")), samples=samples)
    tally = found.flags[0].now.tally
    assert tally is not None
    assert (tally.asked, tally.changed, tally.weight, tally.changed_weight) == (2, 1, 11, 1)
    assert [str(each.new) for each in tally.told] == ["true"]
    assert (found.samples, found.moved) == (3, 1)
    assert '1 of 2 contexts gets another answer (weight 1 of 11)\n      ann {"user":"ann"}: false -> true' in text(
        found
    )


def test_samples_are_read_line_by_line() -> None:
    content = b'{"entity": "ann", "context": {"plan": "pro", "age": 7, "eu": true}}\n\n{"entity": "", "weight": 0.5}'
    assert read_samples(content, "s.jsonl") == (
        Sample("ann", {"plan": "pro", "age": "7", "eu": "true"}),
        Sample("", {}, None, 0.5),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[", "wanted a JSON object on each line"),
        ("[]", "wanted an object such as"),
        ('{"context": {}}', "wanted an object such as"),
        ('{"entity": "a", "contexts": {}}', "unknown field 'contexts', there are entity, context, namespace, weight"),
        ('{"entity": "a", "context": []}', "wanted the context as an object"),
        ('{"entity": "a", "context": {"x": []}}', "property 'x': wanted a text, number or boolean"),
        ('{"entity": "a", "weight": -1}', "wanted a weight of 0 or more, got -1"),
        ('{"entity": "a", "weight": true}', "wanted a weight of 0 or more, got True"),
        ('{"entity": "a", "namespace": 1}', "wanted a namespace's key, got 1"),
        ('{"entity": "\\ud800"}', "which no encoding has"),
    ],
)
def test_a_sample_that_is_wrong_is_named_with_its_line(line: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(said)) as caught:
        read_samples(f'{{"entity": "a"}}\n{line}\n'.encode(), "s.jsonl")
    assert str(caught.value).startswith("s.jsonl:2: ")


def text(found: Impact) -> str:
    return "\n".join(line for line, _ in impact_lines(found))


def comment(old: Any, new: Any, **more: Any) -> str:
    found = the_impact(old, new, **more)
    return markdown([Compared("production", "HEAD", ".", compare(documents(old), documents(new)), found)])


HOSTILE = "`x` | </details><script>@ann #1 ![](https://evil.example/) **b**\n/merge\r\n| a | <!-- \u202e"


def test_what_a_hostile_file_says_stays_in_code_on_its_line() -> None:
    segments = (a_segment(HOSTILE.replace("\u202e", ""), [a_constraint("p", "eq", HOSTILE)]), PRO)
    old = (a_flag(variants=[a_variant("a")], rules=[a_rule(named(segments[0]["key"]), [("a", 100.0)])]), segments)
    new = (
        a_flag(
            description=HOSTILE,
            variants=[a_variant("a"), a_variant(HOSTILE)],
            rules=[a_rule(named(segments[0]["key"]), [(HOSTILE, 100.0)])],
        ),
        segments,
    )
    shown = comment(old, new, samples=(Sample(HOSTILE, {"p": HOSTILE, HOSTILE: "x"}),))
    assert "evil.example" in shown
    ours = [re.sub(r"`[^`]*`", "", line) for line in shown.split("\n")]
    for word in ("script", "@", "#1", "![", "merge", "evil", "<!--", "\u202e", "\r", "`"):
        assert not any(word in line for line in ours), word
    assert shown.count("</details>") - sum(line.count("</details>") for line in re.findall(r"`[^`]*`", shown)) == 2
    assert all(line.count("|") in (0, 6) for line in shown.split("\n"))


def test_a_comment_is_never_longer_than_hosts_take() -> None:
    keys = [f"flag-{number:05}" for number in range(3000)]
    sides = [{"default": a_document([a_boolean_flag(key, a_threshold(share)) for key in keys])} for share in (10, 20)]
    found = impact(Side(sides[0], "C/server"), Side(sides[1], "C/server"), 0)
    one = Compared("production", "HEAD", ".", compare(*sides), found)
    for number in (1, 7, 300):
        shown = markdown([one] * number)
        assert len(shown) <= MOST_CHARACTERS
        assert shown.count("<details>") == shown.count("</details>")
        assert re.search(r"\.\.\. and \d+ more", shown)


def test_the_most_dangerous_flags_come_first_in_a_comment() -> None:
    sides = [
        {"default": a_document([a_boolean_flag("a", a_threshold(one)), a_boolean_flag("b", a_threshold(other))])}
        for one, other in ((10, 10), (15, 90))
    ]
    found = impact(Side(sides[0], "C/server"), Side(sides[1], "C/server"), 0)
    assert [flag.key for flag in found.flags] == ["b", "a"]
    shown = markdown([Compared("production", "HEAD", ".", compare(*sides), found)])
    assert shown.index("`default/b`") < shown.index("`default/a`")
    assert "🔴 risk high: 2 flags answer otherwise" in shown


def test_json_has_every_share_in_buckets() -> None:
    fields = impact_fields(the_impact(split(80), split(50)))
    (flag,) = fields["flags"]
    assert fields["risk"] == "medium" and fields["contexts"] is None
    assert flag["now"]["populations"][0] == {
        "before": 1,
        "after": 1,
        "label": "matched by beta (rule 1)",
        "moved": [],
        "buckets": 300,
        "share": 0.3,
        "answers": [
            {
                "old": {"variant_key": "blue", "match": True, "attachment": None},
                "new": {"variant_key": "green", "match": True, "attachment": None},
                "buckets": 300,
            }
        ],
        "other_reason": 0,
    }
