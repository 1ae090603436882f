"""Authored files: merging, warnings, the cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from burgee.author.authored import Authored, ParsedFiles, SourceFile, author
from burgee.core.errors import TooLarge

EVERYBODY = {"key": "all", "name": "All", "match_type": "ALL_MATCH_TYPE"}
_CONSTRAINT = {"type": "STRING_COMPARISON_TYPE", "property": "p", "operator": "eq", "value": "x"}


def a_segment(key: str, *constraints: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "name": key, "match_type": "ALL_MATCH_TYPE", "constraints": list(constraints or [_CONSTRAINT])}


def a_rule(*keys: str, weights: Sequence[float] = (100,), operator: str | None = None) -> dict[str, Any]:
    distributions = [{"variant": f"v{n}", "rollout": weight} for n, weight in enumerate(weights)]
    return {"segment": {"keys": list(keys), "operator": operator}, "distributions": distributions}


def a_flag(key: str = "f", **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key, "variants": [{"key": f"v{n}"} for n in range(9)], **fields}


def a_boolean(*rollouts: dict[str, Any], enabled: bool = True) -> dict[str, Any]:
    return {"key": "f", "name": "f", "type": "BOOLEAN_FLAG_TYPE", "enabled": enabled, "rollouts": list(rollouts)}


def a_threshold(percentage: float) -> dict[str, Any]:
    return {"threshold": {"percentage": percentage}}


def authored(flags: Sequence[Any] = (), segments: Sequence[Any] = ()) -> Authored:
    text = yaml.safe_dump({"flags": list(flags), "segments": list(segments)}, sort_keys=False)
    return author([SourceFile("features.yml", text.encode())])


def warnings(found: Authored) -> list[tuple[str, str]]:
    assert found.ok, found.problems
    return [(problem.code, problem.path) for problem in found.problems]


def test_no_files_are_no_documents() -> None:
    assert author([]) == Authored({}, ())


def test_files_are_read_in_lexical_order_of_their_paths() -> None:
    flag = "flags: [{key: f, name: %s}]\n"
    found = author([SourceFile("b.yml", (flag % "B").encode()), SourceFile("a.yml", (flag % "A").encode())])
    assert found.documents["default"]["flags"] == [{"key": "f", "name": "B"}]
    assert [(problem.code, problem.file, problem.line) for problem in found.problems] == [
        ("duplicate-flag", "b.yml", 1)
    ]


def test_forward_reference_names_the_file_that_defines_the_segment() -> None:
    using = b"flags: [{key: f, name: F, rules: [{segment: s}]}]\n"
    defining = b"segments: [{key: s, name: S, match_type: ALL_MATCH_TYPE}]\n"
    found = author([SourceFile("a.yml", using), SourceFile("b.yml", defining)])
    assert [problem.code for problem in found.problems if problem.severity == "error"] == ["forward-reference"]
    assert "b.yml" in found.problems[-1].message
    assert author([SourceFile("b.yml", using), SourceFile("a.yml", defining)]).ok


def test_every_mistake_of_every_file_is_reported_at_once() -> None:
    bad = b"flags:\n- {key: f, nam: F, rules: [{segment: s}]}\n- {key: g}\n"
    found = author([SourceFile("a.yml", bad), SourceFile("b.yml", b"flags: ["), SourceFile("c.json", b"{")])
    assert [(problem.file, problem.code) for problem in found.problems] == [
        ("a.yml", "missing-field"),
        ("a.yml", "unknown-field"),
        ("a.yml", "unknown-segment"),
        ("a.yml", "missing-field"),
        ("b.yml", "syntax"),
        ("c.json", "syntax"),
    ]


def test_reference_to_a_wrong_segment_is_not_a_second_mistake() -> None:
    found = authored([a_flag(rules=[a_rule("s")])], [{"key": "s", "name": "S"}])
    assert [problem.code for problem in found.problems] == ["missing-field"]


def test_a_threshold_that_changes_with_time_leaves_nothing_unreachable() -> None:
    flag = a_boolean(a_threshold(100), a_threshold(50))
    assert [problem.code for problem in authored([flag]).problems] == ["unreachable"]
    less = {"at": "2026-12-01T08:00:00Z", "rollout": 1, "percentage": 10}
    assert authored([{**flag, "metadata": {"burgee.schedule": [less]}}]).problems == ()


def test_unchanged_content_is_parsed_once_whatever_its_path() -> None:
    parsed = ParsedFiles()
    content = b"flags: [{key: f, name: F, enabeld: true}]\n"
    first = author([SourceFile("a.yml", content)], parsed=parsed)
    second = author([SourceFile("b.yml", content)], parsed=parsed)
    assert [problem._replace(file="b.yml") for problem in first.problems] == list(second.problems)
    assert parsed.parse(SourceFile("a.yml", content)).parsed is parsed.parse(SourceFile("c.yaml", content)).parsed
    assert parsed.parse(SourceFile("a.yml", content)).name != parsed.parse(SourceFile("a.json", content)).name


def test_memory_of_parsed_files_is_bounded() -> None:
    parsed = ParsedFiles(limit=20)
    one, other = SourceFile("a.yml", b"flags: []\n# 1\n"), SourceFile("a.yml", b"flags: []\n# 2\n")
    first = parsed.parse(one).parsed
    parsed.parse(other)
    assert parsed.parse(one).parsed is not first


@dataclass
class HugeFile:
    """A file that its source does not hand out."""

    path: str
    blob: str | None = None

    @property
    def content(self) -> bytes:
        raise TooLarge(f"'{self.path}' has 99999999 bytes")


def test_a_file_that_its_source_does_not_hand_out_is_a_problem_of_its_own() -> None:
    found = author([HugeFile("a.yml"), SourceFile("b.yml", b"flags: [{key: f, name: F}]\n")])
    assert [(problem.file, problem.code) for problem in found.problems] == [("a.yml", "file-too-large")]
    assert list(found.documents) == ["default"]


def test_progress_is_told_after_each_file() -> None:
    told: list[int] = []
    author([SourceFile("a.yml", b""), SourceFile("b.yml", b"")], progress=told.append)
    assert told == [1, 2]


def test_differing_default_of_a_repeated_variant_is_kept_behind_the_first() -> None:
    variants = [{"key": "a", "name": "1"}, {"key": "a", "name": "2", "default": True}, {"key": "b"}]
    found = authored([{"key": "f", "name": "f", "variants": variants}])
    expected = [{"key": "a", "name": "1"}, {"key": "b"}, {"key": "a", "name": "2", "default": True}]
    assert found.documents["default"]["flags"][0]["variants"] == expected


@pytest.mark.parametrize(
    ("weights", "codes"),
    [
        ((50, 50), []),
        ((33.3, 66.7), []),
        ((53, 47), ["not-portable"]),
        ((33.33, 33.33, 33.34), ["not-portable"]),
        ((50, 0.01, 49.99), ["not-portable"]),
        ((20, 0, 80), []),
        ((10, 10), ["weights-not-100"]),
        ((0, 0), ["no-distributions"]),
        ((), ["no-distributions"]),
    ],
)
def test_weights_are_judged(weights: tuple[float, ...], codes: list[str]) -> None:
    found = authored([a_flag(rules=[a_rule("s", weights=weights)])], [a_segment("s")])
    assert [code for code, _ in warnings(found)] == codes


_AND = "AND_SEGMENT_OPERATOR"


@pytest.mark.parametrize(
    ("rules", "unreachable"),
    [
        ([a_rule("s"), a_rule("t")], []),
        ([a_rule("s"), a_rule("s")], [1]),
        ([a_rule("s", "t"), a_rule("t")], [1]),
        ([a_rule("s"), a_rule("t"), a_rule("s", "t")], [2]),
        ([a_rule("s"), a_rule("s", "t")], []),
        ([a_rule("s"), a_rule("s", "t", operator=_AND)], [1]),
        ([a_rule("s", "t", operator=_AND), a_rule("s")], []),
        ([a_rule("s", "t", operator=_AND), a_rule("t", "s", operator=_AND)], [1]),
        ([a_rule("all", "s"), a_rule("t")], [1]),
        ([a_rule("all", "s", operator=_AND), a_rule("t")], []),
    ],
)
def test_rules_that_are_never_reached_are_warned_of(rules: list[Any], unreachable: list[int]) -> None:
    found = authored(
        [a_flag(rules=rules), a_flag("g", rules=[a_rule("t", "s", "all")])], [a_segment("s"), a_segment("t"), EVERYBODY]
    )
    assert warnings(found) == [("unreachable", f"flags.0.rules.{number}") for number in unreachable]


@pytest.mark.parametrize(
    ("percentages", "codes"),
    [
        ((10, 20), []),
        ((20, 10), ["unreachable"]),
        ((20, 20), ["unreachable"]),
        ((100, 100), ["unreachable"]),
        ((33.3, 34), ["fractional-threshold", "unreachable"]),
        ((150,), ["threshold-out-of-range"]),
    ],
)
def test_thresholds_are_judged(percentages: tuple[float, ...], codes: list[str]) -> None:
    found = authored([a_boolean(*map(a_threshold, percentages))])
    assert [code for code, _ in warnings(found)] == codes


def test_a_percentage_on_a_boolean_flag_that_is_off_otherwise_is_no_cause_for_a_warning() -> None:
    assert warnings(authored([a_boolean(a_threshold(5), enabled=False)])) == []


@pytest.mark.parametrize(
    ("name", "hints"),
    [("burgee.shedule", ["did you mean 'burgee.schedule'?"]), ("burgee.owner", [""]), ("owner", []), ("burgee", [])],
)
def test_metadata_that_burgee_does_not_know_are_warned_of(name: str, hints: list[str]) -> None:
    found = authored([a_boolean() | {"metadata": {name: "x"}}])
    assert [problem.hint for problem in found.problems if problem.code == "unknown-metadata"] == hints


def test_unused_segment_is_warned_of() -> None:
    assert warnings(authored([], [a_segment("s")])) == [("unused-segment", "segments.0")]


@pytest.mark.parametrize(
    ("kind", "operator", "value", "is_portable"),
    [
        ("NUMBER", "eq", "5", True),
        ("NUMBER", "eq", "5.0", False),
        ("NUMBER", "isoneof", "[1, 2]", True),
        ("NUMBER", "isoneof", "[1, 2.5]", False),
        ("NUMBER", "isoneof", "[2147483648]", False),
        ("DATETIME", "gt", "2024-01-01T00:00:00Z", True),
        ("DATETIME", "gt", "2024-01-01", False),
        ("DATETIME", "gt", "2024-01-01T00:00:00.5Z", False),
        ("STRING", "isoneof", '["a", "é"]', True),
        ("STRING", "isoneof", '["\\u0061"]', False),
        ("STRING", "isoneof", '["a", null]', False),
        ("STRING", "prefix", "5.0", True),
        ("ENTITY_ID", "isoneof", '["a\\"b"]', False),
    ],
)
def test_values_that_readers_disagree_on_are_not_portable(
    kind: str, operator: str, value: str, is_portable: bool
) -> None:
    constraint = {"type": f"{kind}_COMPARISON_TYPE", "property": "p", "operator": operator, "value": value}
    found = warnings(authored([a_flag(rules=[a_rule("s")])], [a_segment("s", constraint)]))
    assert found == ([] if is_portable else [("not-portable", "segments.0.constraints.0.value")])


@pytest.mark.parametrize(
    ("value", "accepted"),
    [("[1e39]", True), ([1e39], True), ("[1e309]", False), (f"[{'1' * 400}]", False), ("[NaN]", False)],
)
def test_a_number_list_is_accepted_exactly_when_a_server_can_use_it(value: object, accepted: bool) -> None:
    constraint = {"type": "NUMBER_COMPARISON_TYPE", "property": "p", "operator": "isoneof", "value": value}
    assert authored([], [a_segment("s", constraint)]).ok is accepted


def test_repeated_constraint_is_warned_of() -> None:
    found = authored([a_flag(rules=[a_rule("s")])], [a_segment("s", _CONSTRAINT, _CONSTRAINT)])
    assert warnings(found) == [("duplicate-constraint", "segments.0.constraints.1")]


def test_hints_name_the_nearest_word() -> None:
    text = b"""flags:
- key: f
  name: F
  type: BOOLEAN
  variants: [{key: blue}]
  rules: [{segment: betas, distributions: [{variant: bleu, rollout: 1}]}]
segments: [{key: beta, name: B, match_type: ANY_MATCH_TYP, constrants: []}]
"""
    hints = {problem.code: problem.hint for problem in author([SourceFile("f.yml", text)]).problems}
    assert hints["unknown-segment"] == "did you mean 'beta'?"
    assert hints["unknown-variant"] == "did you mean 'blue'?"
    assert hints["unknown-field"] == "did you mean 'constraints'?"


_ODD = ("[a]", "{a: [b]}", "null", "1", "''", "2024-01-01")


@pytest.mark.parametrize("odd", _ODD)
@pytest.mark.parametrize(
    "text",
    [
        "version: ODD",
        "namespace: {key: ODD, name: ODD, description: ODD}",
        "flags: [ODD, {key: ODD, name: ODD, type: ODD, variants: [ODD], rules: [ODD], rollouts: [ODD], metadata: ODD}]",
        "flags: [{key: f, name: F, variants: [{key: ODD, default: ODD}], rules: ODD}]",
        "flags: [{key: f, name: F, rules: [{segment: ODD, distributions: [{variant: ODD, rollout: ODD}]}]}]",
        "flags: [{key: f, name: F, rules: [{segment: {keys: [ODD], operator: ODD}, distributions: ODD}]}]",
        "flags: [{key: f, name: F, rollouts: [{segment: {key: ODD, keys: ODD}, threshold: {percentage: ODD}}]}]",
        "segments: [ODD, {key: ODD, name: ODD, match_type: ODD, constraints: ODD}]",
        "segments: [{key: s, name: S, match_type: ANY_MATCH_TYPE, constraints: [{type: ODD, operator: ODD}]}]",
        "segments: [{key: s, constraints: [{type: NUMBER_COMPARISON_TYPE, operator: isoneof, value: ODD}]}]",
    ],
)
def test_odd_value_anywhere_is_never_an_exception(text: str, odd: str) -> None:
    found = author([SourceFile("f.yml", text.replace("ODD", odd).encode())])
    assert all(problem.line == 1 for problem in found.problems)
