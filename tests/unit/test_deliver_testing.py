"""Flag tests against flags: what passes, what is said of what fails, and what it means for a publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from burgee.author.flag_tests import read_flag_tests
from burgee.author.project import Environment, Project
from burgee.core.errors import Problem
from burgee.core.instant import parse_instant
from burgee.core.snapshot import Snapshot
from burgee.deliver.candidate import Candidate, compile_bundle
from burgee.deliver.shares import EntityDecides, shares
from burgee.deliver.testing import check_tests, run_tests
from burgee.git.folder import open_folder
from tests.builders import (
    Normal,
    a_boolean_flag,
    a_constraint,
    a_flag,
    a_namespace,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    an_entity_constraint,
)

NOW = parse_instant("2026-11-22T09:00:00Z")
PRO = a_segment("pro", [a_constraint("plan", "eq", "pro")])
BETA = a_segment("beta", [an_entity_constraint("isoneof", '["ada"]')])
BUTTON = a_flag(
    "button",
    variants=[a_variant("blue", {"text": "Go"}), a_variant("green"), a_variant("grey", default=True)],
    rules=[a_rule("pro", [("blue", 30), ("green", 70)])],
)
CHECKOUT = a_boolean_flag("checkout", a_segment_rollout("pro"), a_threshold(25))
SWITCH = a_boolean_flag("switch", enabled=True)
CLOSED = a_boolean_flag("closed", a_segment_rollout("beta"), a_threshold(50))


def a_candidate(flags: Sequence[Normal] = (BUTTON, CHECKOUT, SWITCH, CLOSED), namespace: str = "default") -> Candidate:
    return compile_bundle([{"namespace": namespace, "flags": list(flags), "segments": [PRO, BETA]}])


def a_project(**fields: object) -> Project:
    """Staging below `flags/`, as `fields` say, and production elsewhere."""
    staging = Environment(directory="flags", **{"tests": "require", **fields})  # type: ignore[arg-type]
    return Project({"staging": staging, "production": Environment(directory="other")}, "staging", {})


def checked(
    folder: Path, files: Mapping[str, str], *, project: Project | None = None, candidate: Candidate | None = None
) -> tuple[Problem, ...]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return check_tests(open_folder(folder), project or a_project(), "staging", candidate or a_candidate(), now=NOW)


def said_of(folder: Path, flag: str, *, case: str = "", share: str = "") -> list[str]:
    """What is said of one case or share, without its place."""
    part = f"cases: [{case}]" if case else f"shares: [{share}]"
    text = f"version: 1\ntests:\n- flag: {flag}\n  {part}\n"
    return [str(problem).partition(" ")[2] for problem in checked(folder, {"flags/a.test.yaml": text})]


@pytest.mark.parametrize(
    ("flag", "case"),
    [
        ("switch", "{expect: true}"),
        ("switch", "{entity: ada, expect: {value: true, reason: DEFAULT, segments: []}}"),
        ("checkout", "{context: {plan: pro}, expect: {value: true, reason: MATCH, segments: [pro]}}"),
        ("button", "{expect: grey}"),
        ("button", "{expect: {variant: grey, match: false, reason: DEFAULT, attachment: null}}"),
        ("button", "{entities: [a], context: {plan: pro}, expect: {match: true, reason: MATCH_EVALUATION_REASON}}"),
        ("closed", "{entity: ada, expect: {value: true, segments: [beta]}}"),
    ],
)
def test_a_case_passes_when_the_answer_is_the_expected_one(tmp_path: Path, flag: str, case: str) -> None:
    assert said_of(tmp_path, flag, case=case) == []


@pytest.mark.parametrize(
    ("flag", "case", "said"),
    [
        ("switch", "{expect: false}", "switch for anybody: wanted false, got true: it has no rollouts"),
        (
            "checkout",
            "{entity: ada, name: Ann, context: {plan: free}, expect: true}",
            "checkout for ada with plan=free (Ann): wanted true, got false: rollout 1 passes on: segment pro wants "
            "plan eq 'pro', it is 'free'; rollout 2 passes on: bucket 30 is not below 25",
        ),
        (
            "button",
            "{entity: ada, context: {plan: pro}, expect: {variant: blue, segments: [], reason: DEFAULT}}",
            "button for ada with plan=pro: wanted variant 'blue' and reason DEFAULT and segments [], got variant "
            "'green' and reason MATCH and segments [pro]: rule 1 answers green (bucket 449 of 1000)",
        ),
        (
            "checkout",
            "{expect: true}",
            "checkout for anybody: wanted true, got no answer: the answer depends on who asks: wanted an entity id "
            "(OpenFeature: a targeting key), got none; add `entity` to the case",
        ),
        (
            "button",
            "{entity: '', context: {paln: pro}, expect: {match: true}}",
            "button for (empty entity id) with paln=pro: wanted a match, got no match: rule 1 passes on: segment pro "
            "wants plan eq 'pro', it is absent; no constraint on the way looks at 'paln'; did you mean 'plan'?",
        ),
        (
            "button",
            "{expect: gray}",
            "button for anybody: wanted variant 'gray', got variant 'grey': rule 1 passes on: segment pro wants plan "
            "eq 'pro', it is absent; the flag has no variant 'gray'; did you mean 'grey'?",
        ),
        (
            "button",
            "{expect: {attachment: {text: Go}}}",
            'button for anybody: wanted attachment {"text":"Go"}, got no attachment: rule 1 passes on: segment pro '
            "wants plan eq 'pro', it is absent",
        ),
        (
            "switch",
            "{expect: blue}",
            "switch for anybody: wanted variant 'blue', got true: it has no rollouts; it is a boolean flag: write "
            "expect: true or expect: false",
        ),
        (
            "button",
            "{expect: true}",
            "button for anybody: wanted true, got variant 'grey': rule 1 passes on: segment pro wants plan eq 'pro', "
            "it is absent; it is a variant flag: write the variant's key as expect",
        ),
        (
            "checkout",
            "{entity: a, context: {plan: pro}, expect: {segments: [por]}}",
            "checkout for a with plan=pro: wanted segments [por], got segments [pro]: rollout 1 answers true; there "
            "is no segment 'por'; did you mean 'pro'?",
        ),
        (
            "chekout",
            "{expect: true}",
            "chekout: wanted a flag, got none of this key in namespace 'default' of staging; did you mean 'checkout'?",
        ),
    ],
)
def test_a_failure_says_what_was_wanted_what_was_given_and_why(tmp_path: Path, flag: str, case: str, said: str) -> None:
    assert said_of(tmp_path, flag, case=case) == [said]


@pytest.mark.parametrize(
    ("flag", "share"),
    [
        ("checkout", "{expect: 25}"),
        ("checkout", '{expect: {"true": 25, "false": 75}}'),
        ("checkout", "{context: {plan: pro}, expect: 100}"),
        ("checkout", "{expect: 24.5, tolerance: 0.5}"),
        ("button", "{context: {plan: pro}, expect: {blue: 30, green: 70, grey: 0}}"),
        ("button", "{expect: {grey: 100}}"),
    ],
)
def test_a_share_passes_when_the_buckets_say_so(tmp_path: Path, flag: str, share: str) -> None:
    assert said_of(tmp_path, flag, share=share) == []


@pytest.mark.parametrize(
    ("flag", "share", "said"),
    [
        (
            "checkout",
            "{expect: 24.5, tolerance: 0.4}",
            "checkout shares: wanted 24.5 % true, each within 0.4, got 75 % false, 25 % true: counted over every "
            "bucket",
        ),
        (
            "button",
            "{name: split, context: {plan: pro}, expect: {blu: 30}}",
            "button shares with plan=pro (split): wanted 30 % blu, got 30 % blue, 70 % green: counted over every "
            "bucket; the flag has no variant 'blu'; did you mean 'blue'?",
        ),
        (
            "button",
            "{expect: 30}",
            "button shares: wanted 30 % true, got 100 % grey: counted over every bucket; the flag has no variant "
            "'true'; it has blue, green, grey",
        ),
        (
            "closed",
            "{expect: 50}",
            "closed shares: wanted 50 % true, got no share: segment 'beta' looks at entity ids, so there is no share "
            "of buckets; write cases for these entities instead",
        ),
    ],
)
def test_a_share_that_differs_says_what_the_buckets_get(tmp_path: Path, flag: str, share: str, said: str) -> None:
    assert said_of(tmp_path, flag, share=share) == [said]


def test_a_segment_of_entities_does_not_matter_where_something_else_decides() -> None:
    both = a_segment("both", [an_entity_constraint("eq", "ada"), a_constraint("plan", "eq", "pro")])
    either = a_segment("either", [an_entity_constraint("eq", "ada"), a_constraint("plan", "eq", "pro")], any_of=True)
    for segment, undecided in ((both, "pro"), (either, "free")):
        flag = a_boolean_flag("f", a_segment_rollout(segment["key"]), a_threshold(40))
        namespace = a_namespace(flag, segments=[segment])
        with pytest.raises(EntityDecides):
            shares(namespace, "f", {"plan": undecided}, 0)
    assert shares(a_namespace(a_boolean_flag("f", a_segment_rollout("both")), segments=[both]), "f", {}, 0) == {
        "false": 100
    }
    assert shares(
        a_namespace(a_boolean_flag("f", a_segment_rollout("either")), segments=[either]), "f", {"plan": "pro"}, 0
    ) == {"true": 100}


def test_what_is_never_reached_does_not_matter_to_a_share() -> None:
    flag = a_boolean_flag("f", a_threshold(100), a_segment_rollout("beta"))
    assert shares(a_namespace(flag, segments=[BETA]), "f", {}, 0) == {"true": 100}


SUITE = "version: 1\ntests:\n- flag: switch\n  cases: [{expect: false}]\n"


@pytest.mark.parametrize(("tests", "severities"), [("require", ["error"]), ("warn", ["warning"]), ("ignore", [])])
def test_the_environment_says_what_a_failing_test_means(tmp_path: Path, tests: str, severities: list[str]) -> None:
    found = checked(tmp_path, {"flags/a.test.yaml": SUITE}, project=a_project(tests=tests))
    assert [problem.severity for problem in found] == severities


@pytest.mark.parametrize(("tests", "severities"), [("require", ["error"]), ("warn", ["warning"]), ("ignore", [])])
def test_so_it_is_with_a_mistake_in_a_test_file(tmp_path: Path, tests: str, severities: list[str]) -> None:
    found = checked(tmp_path, {"flags/a.test.yaml": "tests: {}\nversion: 1\n"}, project=a_project(tests=tests))
    assert [problem.severity for problem in found] == severities


def test_every_failure_has_its_own_line(tmp_path: Path) -> None:
    text = "version: 1\ntests:\n- flag: switch\n  cases:\n  - {expect: true}\n" + "  - {expect: false}\n" * 3
    found = checked(tmp_path, {"flags/sub/a.test.yml": text})
    assert [(problem.file, problem.line, problem.column) for problem in found] == [
        ("flags/sub/a.test.yml", line, 5) for line in (6, 7, 8)
    ]
    assert {(problem.code, problem.path) for problem in found} == {
        ("flag-test-failed", f"tests.0.cases.{number}") for number in (1, 2, 3)
    }


def test_a_file_with_thousands_of_failures_says_that_there_are_more(tmp_path: Path) -> None:
    numbers = ", ".join(map(str, range(5000)))
    text = f"version: 1\ntests:\n- flag: switch\n  cases: [{{matrix: {{n: [{numbers}]}}, expect: false}}]\n"
    found = checked(tmp_path, {"flags/a.test.yaml": text})
    assert len(found) == 1001
    assert [problem.code for problem in found if problem.line == 0] == ["too-many-problems"]


def test_only_tests_below_the_directory_that_are_not_ignored_are_run(tmp_path: Path) -> None:
    places = ("other/a.test.yaml", "flags/drafts/a.test.yaml", "flags/.hidden/a.test.yaml", "flags/a_test.yaml")
    assert checked(tmp_path, dict.fromkeys(places, SUITE), project=a_project(ignore=("drafts/**",))) == ()


def test_a_file_may_be_for_some_environments_only(tmp_path: Path) -> None:
    elsewhere = SUITE.replace("tests:", "environments: [production]\ntests:")
    assert checked(tmp_path, {"flags/a.test.yaml": elsewhere}) == ()


def test_the_namespace_that_is_meant_is_the_one_that_is_asked(tmp_path: Path) -> None:
    suite = SUITE.replace("tests:", "namespace: mobil\ntests:")
    (problem,) = checked(tmp_path, {"flags/a.test.yaml": suite}, candidate=a_candidate(namespace="mobile"))
    assert problem.message == "switch: wanted a flag, got no namespace 'mobil' in staging"
    assert problem.hint == "did you mean 'mobile'?"


def test_a_link_where_a_test_file_should_be_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "flags").mkdir()
    (tmp_path / "flags/a.test.yaml").symlink_to("elsewhere")
    assert [problem.code for problem in checked(tmp_path, {})] == ["symlink-skipped"]


class Untouched:
    """A candidate whose documents nobody may ask for."""

    @property
    def documents(self) -> None:
        raise AssertionError("nothing is to be compiled")


def test_without_test_files_nothing_is_compiled(tmp_path: Path) -> None:
    assert checked(tmp_path, {"flags/features.yaml": ""}, candidate=cast(Candidate, Untouched())) == ()


def test_a_constraint_of_unknown_type_fails_the_case_that_meets_it() -> None:
    odd = a_segment("odd", [a_constraint("p", "eq", "y", type="COLOUR_COMPARISON_TYPE")])
    flag = a_boolean_flag("switch", a_segment_rollout("odd"))
    documents = compile_bundle([{"namespace": "default", "flags": [flag], "segments": [odd]}]).documents
    file = read_flag_tests("a.test.yaml", SUITE.encode() + b"  shares: [{expect: 5}]\n")
    verdicts = list(run_tests(file, documents, environment="staging", profile="C/server", now=NOW))
    assert [(verdict.got, verdict.why) for verdict in verdicts] == [("no answer", "unknown constraint type")] * 2


def test_an_instant_decides_which_step_of_a_schedule_is_in_force(tmp_path: Path) -> None:
    steps = '[{"at":"2026-12-01T09:00:00.000Z","enabled":true}]'
    flag = a_boolean_flag("sale") | {"metadata": {"burgee.schedule": steps}}
    cases = '{expect: false}, {at: "2026-12-01T09:00:00Z", expect: true}, {at: "2026-12-01T09:00:00Z", expect: false}'
    text = f"version: 1\ntests:\n- flag: sale\n  cases: [{cases}]\n"
    (problem,) = checked(tmp_path, {"flags/a.test.yaml": text}, candidate=a_candidate([flag]))
    assert problem.path == "tests.0.cases.2"
    assert "enabled true" in problem.message


def test_documents_are_evaluated_under_the_profile_of_their_environment(tmp_path: Path) -> None:
    third = a_flag(
        "third",
        variants=[a_variant("a"), a_variant("b")],
        rules=[a_rule("pro", [("a", 33.36), ("b", 66.64)])],
    )
    share = "{context: {plan: pro}, expect: {a: 33.4}}"
    text = f"version: 1\ntests:\n- flag: third\n  shares: [{share}]\n"
    made = a_candidate([third])
    assert checked(tmp_path, {"flags/a.test.yaml": text}, candidate=made) == ()
    assert len(checked(tmp_path, {}, project=a_project(profile="S1/server"), candidate=made)) == 1
    assert Snapshot("S1/server", made.documents).namespace("").profile.buckets == "S1"
