"""Flag test files: what they mean, and the place of every mistake in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it comes without types

from burgee.author.flag_test_shapes import MOST_CASES
from burgee.author.flag_tests import Case, Expected, FlagTestFile, Share, read_flag_tests
from burgee.author.jsonschema import tests_schema as schema_of_tests
from burgee.core.instant import parse_instant

PATH = "flags/shop.test.yaml"


def read(text: str) -> FlagTestFile:
    return read_flag_tests(PATH, text.encode(), environments=("staging", "production"))


def a_file(case: str = "", *, share: str = "", fields: str = "") -> FlagTestFile:
    """A file with one case or share of flag `button`."""
    part = f"cases: [{case}]" if case else f"shares: [{share}]"
    return read(f"version: 1\n{fields}\ntests:\n  - flag: button\n    {part}\n")


def cases_of(file: FlagTestFile) -> tuple[Case, ...]:
    assert file.findings == ()
    return file.suites[0].tests[0].cases


def shares_of(file: FlagTestFile) -> tuple[Share, ...]:
    assert file.findings == ()
    return file.suites[0].tests[0].shares


def told(file: FlagTestFile) -> list[str]:
    return [str(finding.problem(PATH)).removeprefix(f"{PATH}:") for finding in file.findings]


def test_a_case_asks_for_an_entity_in_a_context() -> None:
    (case,) = cases_of(a_file("{entity: ada, context: {plan: pro, seats: 3, beta: true, rate: 0.5}, expect: true}"))
    assert (case.entity, case.context) == ("ada", {"plan": "pro", "seats": "3", "beta": "true", "rate": "0.5"})
    assert (case.expected, case.at, case.path) == (Expected(value=True), None, ("tests", 0, "cases", 0))


@pytest.mark.parametrize(
    ("authored", "expected"),
    [
        ("false", Expected(value=False)),
        ("blue", Expected(variant="blue")),
        ('"true"', Expected(variant="true")),
        ("{value: true, reason: MATCH}", Expected(value=True, reason="MATCH_EVALUATION_REASON")),
        ("{variant: null, match: false}", Expected(variant="", match=False)),
        ("{segments: [b, a]}", Expected(segments=frozenset(("a", "b")))),
        ("{segments: []}", Expected(segments=frozenset())),
        ("{attachment: {b: 1.0, a: [x]}}", Expected(attachment='{"a":["x"],"b":1}')),
        ("{attachment: null}", Expected(attachment="null")),
    ],
)
def test_what_is_expected_may_be_short_or_detailed(authored: str, expected: Expected) -> None:
    (case,) = cases_of(a_file(f"{{entity: ada, expect: {authored}}}"))
    assert case.expected == expected


def test_a_matrix_makes_a_case_of_every_combination_for_every_entity() -> None:
    matrix = "{plan: [pro, team], country: [DE, FR]}"
    cases = cases_of(a_file(f"{{entities: [a, b], context: {{x: y}}, matrix: {matrix}, expect: true}}"))
    assert [(case.entity, case.context["plan"], case.context["country"]) for case in cases] == [
        (entity, plan, country) for entity in "ab" for plan in ("pro", "team") for country in ("DE", "FR")
    ]
    assert all(case.context["x"] == "y" for case in cases)


def test_a_case_inherits_the_instant_of_its_test_and_may_have_one_of_its_own() -> None:
    nine, ten = "2026-12-01T09:00:00+01:00", "2026-12-01T10:00:00Z"
    file = read(
        f'version: 1\ntests:\n- flag: a\n  at: {nine}\n  cases: [{{expect: true}}, {{at: "{ten}", expect: false}}]\n'
    )
    assert [case.at for case in cases_of(file)] == [parse_instant(nine), parse_instant(ten)]


def test_shares_are_percentages_by_answer() -> None:
    (share,) = shares_of(a_file(share='{context: {plan: free}, expect: {blue: 25, "": 75}, tolerance: 0.5}'))
    assert (share.percents, share.tolerance, share.context) == ({"blue": 25, "": 75}, 0.5, {"plan": "free"})


def test_one_number_as_share_is_that_of_true() -> None:
    (share,) = shares_of(a_file(share="{expect: 12.5}"))
    assert (share.percents, share.tolerance) == ({"true": 12.5}, 0)


def test_a_file_may_hold_several_documents_of_several_namespaces_and_environments() -> None:
    one = "version: 1\ntests: []\n"
    file = read(f"{one}---\n{one}namespace: mobile\nenvironments: [staging]\n---\n")
    assert file.findings == ()
    assert [(suite.number, suite.namespace, suite.environments) for suite in file.suites] == [
        (0, "default", None),
        (1, "mobile", ("staging",)),
    ]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("{entity: 42, expect: true}", "5:22: wanted text as 'entity', got the number 42; quote it: \"42\""),
        (
            "{entty: a, expect: true}",
            "5:14: a case has no field 'entty'; it has name, entity, entities, context, matrix, at, expect; "
            "did you mean 'entity'?",
        ),
        ("{entity: a}", "5:13: wanted a case to have 'expect' (true, false, a variant's key or a mapping), got none"),
        ("{expect: 1}", "5:22: wanted true, false, a variant's key or a mapping as 'expect', got the number 1"),
        ("{expect: {}}", "5:22: wanted something to expect, got an empty mapping"),
        ("{expect: {reason: MATHC}}", "5:31: wanted MATCH, DEFAULT, FLAG_DISABLED or UNKNOWN as 'reason'"),
        ("{expect: {value: true, variant: a}}", "5:22: wanted what a boolean flag answers ('value') or a variant"),
        ("{expect: {attachment: {day: 2026-12-01}}}", "5:41: wanted text, a number, true, false or null, got the date"),
        ("{entity: a, entities: [b], expect: a}", "5:25: wanted a case with 'entity' or 'entities', got both"),
        ("{entities: [], expect: a}", "5:24: wanted a list of one or more texts as 'entities', got a list"),
        ("{context: {a: [b]}, expect: a}", "5:27: wanted text, a number, true or false as 'a', got a list"),
        ("{context: {a: null}, expect: a}", "5:27: wanted text, a number, true or false as 'a', got null; leave it"),
        ("{context: [], expect: a}", "5:23: wanted a mapping as 'context', got a list"),
        ("{matrix: {a: b}, expect: a}", "5:26: wanted a list of values for 'a' of the matrix, got 'b'"),
        ("{matrix: {a: []}, expect: a}", "5:26: wanted a list of values for 'a' of the matrix, got a list"),
        ("{matrix: {a: [{}]}, expect: a}", "5:27: wanted text, a number, true or false as 'a', got a mapping"),
        ("{context: {a: b}, matrix: {a: [c]}, expect: a}", "5:40: wanted 'a' in 'context' or in 'matrix', got both"),
        ("{at: 2026-12-01T09:00:00, expect: a}", "5:18: wanted an instant such as 2026-12-01T09:00:00Z as 'at'"),
        ("{at: 2026-12-01, expect: a}", "5:18: wanted an instant such as 2026-12-01T09:00:00Z as 'at', got a date"),
        ("{context: {a: .inf}, expect: a}", "5:27: wanted a finite number"),
    ],
)
def test_every_mistake_of_a_case_has_its_place(case: str, said: str) -> None:
    file = a_file(case)
    assert [text for text in told(file) if text.startswith(said)] != [], told(file)
    assert file.suites == ()


@pytest.mark.parametrize(
    ("share", "said"),
    [
        ("{}", "5:14: wanted a share to have 'expect'"),
        ("{expect: 101}", "5:23: wanted a number from 0 to 100 as 'expect', got the number 101"),
        ("{expect: {a: -1}}", "5:27: wanted a number from 0 to 100 for 'a', got the number -1"),
        ("{expect: {a: x}}", "5:27: wanted a number from 0 to 100 for 'a', got 'x'"),
        ("{expect: {a: 60, b: 50}}", "5:23: wanted percentages that add up to 100 or less, got 110"),
        ("{expect: {}}", "5:23: wanted percentages that add up to 100 or less, got none"),
        ("{expect: {true: 60}}", "5:24: wanted text as a key, got true; quote the key"),
        ("{expect: 5, tolerance: 101}", "5:37: wanted a number from 0 to 100 as 'tolerance', got the number 101"),
        ("{expect: 5, entity: ada}", "5:26: a share has no field 'entity'; it has name, context, at, expect"),
    ],
)
def test_every_mistake_of_a_share_has_its_place(share: str, said: str) -> None:
    file = a_file(share=share)
    assert any(text.startswith(said) for text in told(file)), told(file)
    assert file.suites == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups: []\n", "1:1: wanted a flag test file to have 'tests', got none; files that end in .test.yaml are"),
        ("tests: []\n", "1:1: wanted a test file to have 'version' (1), got none"),
        ("version: 2\ntests: []\n", "1:10: wanted 1 as 'version', got the number 2; write version: 1"),
        ("version: true\ntests: []\n", "1:10: wanted 1 as 'version', got true"),
        ("- a\n", "1:1: wanted a test file as a mapping, got a list"),
        ("version: 1\ntests:\n- flag: a\n", "3:3: wanted a flag's test to have 'cases' or 'shares', got neither"),
        ("version: 1\ntests:\n- cases: []\n", "3:3: wanted a flag's test to have 'flag'"),
        ("version: 1\nnamespace: a b\ntests: []\n", "2:12: wanted a key"),
        ("version: 1\nenvironments: []\ntests: []\n", "2:15: wanted a list of one or more texts as 'environments'"),
        ("version: 1\ntests: [\n", "3:1: "),
        ("version: 1\0\n", "1:11: wanted text, got a NUL character"),
    ],
)
def test_every_mistake_of_a_file_has_its_place(text: str, said: str) -> None:
    assert any(one.startswith(said) for one in told(read(text))), told(read(text))
    assert read(text).suites == ()


def test_tests_for_an_environment_that_is_not_there_are_a_warning() -> None:
    file = a_file("{expect: true}", fields="environments: [stagin, production]")
    assert told(file) == [
        "2:16: there is no environment 'stagin', so these tests would not run there; did you mean 'staging'?"
    ]
    assert file.findings[0].severity == "warning"
    assert file.suites[0].environments == ("stagin", "production")


def test_a_mistake_in_one_document_leaves_the_others_their_tests() -> None:
    file = read("version: 1\ntests: x\n---\nversion: 1\ntests: []\n")
    assert [suite.number for suite in file.suites] == [1]
    assert len(file.findings) == 1


def test_a_matrix_that_explodes_is_refused_before_it_is_built() -> None:
    values = json.dumps(list(range(100)))
    matrix = ", ".join(f"p{number}: {values}" for number in range(20))
    file = a_file(f"{{matrix: {{{matrix}}}, expect: true}}")
    (said,) = told(file)
    assert said.startswith(f"4:3: wanted at most {MOST_CASES} cases in a file, got 1") and said.endswith(
        "split the file"
    )


def test_an_instant_that_nobody_can_write_in_utc_is_refused() -> None:
    file = read("version: 1\ntests:\n- {flag: a, at: '9999-12-31T23:59:59-23:00', cases: [{expect: true}]}\n")
    assert [finding.code for finding in file.findings] == ["bad-value"]


def test_more_shares_than_a_publish_has_time_for_are_refused() -> None:
    file = a_file(share=", ".join(["{expect: 5}"] * 501))
    assert [finding.code for finding in file.findings] == ["too-many-cases"]


VALID: list[Any] = [
    {"version": 1, "tests": [{"flag": "a", "cases": [{"expect": True}]}]},
    {"version": 1, "namespace": "n", "environments": ["staging"], "tests": []},
    {"version": 1, "tests": [{"flag": "a", "at": "2026-12-01T09:00:00Z", "shares": [{"expect": {"b": 5}}]}]},
    {"version": 1, "tests": [{"flag": "a", "cases": [{"entities": ["a"], "matrix": {"p": [1]}, "expect": "b"}]}]},
]
INVALID: list[Any] = [
    {"tests": []},
    {"version": 2, "tests": []},
    {"version": 1, "tests": [{"flag": "a"}]},
    {"version": 1, "tests": [{"flag": "a", "cases": [{}]}]},
    {"version": 1, "tests": [{"flag": "a", "cases": [{"expect": 1}]}]},
    {"version": 1, "tests": [{"flag": "a", "cases": [{"expect": {}}]}]},
    {"version": 1, "tests": [{"flag": "a", "cases": [{"entity": "a", "entities": ["b"], "expect": True}]}]},
    {"version": 1, "tests": [{"flag": "a", "shares": [{"expect": {"b": 101}}]}]},
    {"version": 1, "tests": [{"flag": "a", "shares": [{"expect": {}}]}]},
]


@pytest.mark.parametrize(
    ("document", "is_valid"),
    [*((document, True) for document in VALID), *((document, False) for document in INVALID)],
    ids=json.dumps,
)
def test_editors_and_the_reader_agree(document: Any, is_valid: bool) -> None:
    assert Draft202012Validator(schema_of_tests()).is_valid(document) == is_valid
    assert (read(json.dumps(document)).findings == ()) == is_valid
