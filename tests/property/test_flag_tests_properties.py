"""Properties of flag test files; each test quotes the sentence it checks."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.author.finding import Path
from burgee.author.flag_tests import FlagTestFile, read_flag_tests
from burgee.deliver.testing import located, run_tests
from tests.builders import a_boolean_flag, a_document, a_flag, a_rule, a_segment_rollout, a_threshold, a_variant

_HALVES = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
EXAMPLES = settings(max_examples=100, deadline=None)
DOCUMENT = a_document(
    [
        a_boolean_flag("boolean", a_segment_rollout("yes"), a_threshold(30)),
        a_flag("variant", variants=[a_variant("a", {"x": 1}), a_variant("b")], rules=[a_rule("yes", [("a", 40)])]),
    ]
)
DOCUMENTS = {"default": DOCUMENT}
TEXTS = st.one_of(
    st.sampled_from(["p", "y", "boolean", "variant", "a", "", "2026-12-01T09:00:00Z"]), st.text(max_size=5)
)
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


PROPERTIES = st.one_of(st.booleans(), st.integers(0, 9), st.text("yn é€"))
CONTEXTS = st.dictionaries(st.sampled_from("pqr"), PROPERTIES, max_size=2)
INSTANTS = st.just("2026-12-01T09:00:00Z")


def suites(*, odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Documents that mostly are as the reader wants them; with something `odd` here and there, or without."""

    def fields(required: dict[str, Any], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        known = {name: st.one_of(value, ODD) if odd else value for name, value in optional.items()}
        return st.fixed_dictionaries(required, optional=known)

    expected = fields(
        {},
        variant=st.sampled_from(["a", "b", None]),
        attachment=st.one_of(st.just({"x": 1}), ODD),
        match=st.booleans(),
        reason=st.sampled_from(["MATCH", "UNKNOWN"]),
        segments=st.lists(st.just("yes"), max_size=1),
    )
    answers = st.one_of(st.booleans(), st.sampled_from("ab"), expected.filter(bool))
    shared = {"name": st.text("ab ", min_size=1), "context": CONTEXTS, "at": INSTANTS}
    cases = fields(
        {"expect": answers},
        entity=st.text("abc"),
        matrix=st.dictionaries(st.sampled_from("stu"), st.lists(PROPERTIES, min_size=1, max_size=3), max_size=2),
        **shared,
    )
    parts = st.one_of(st.floats(0, 100), st.dictionaries(st.sampled_from("ab"), st.integers(0, 50), min_size=1))
    share = fields({"expect": parts}, tolerance=st.floats(0, 100), **shared)
    flags = st.sampled_from(["boolean", "variant", "gone"])
    tests = fields({"flag": flags, "cases": st.lists(cases, max_size=3)}, shares=st.lists(share, max_size=1))
    listed = {"version": st.just(1), "tests": st.lists(tests, min_size=1, max_size=2)}
    return fields(listed, environments=st.just(["staging"]))


def read(documents: list[Any]) -> FlagTestFile:
    content = "\n---\n".join(map(_yaml, documents))
    return read_flag_tests("a.test.yaml", content.encode(), environments=("staging", "production"))


def _yaml(document: Any) -> str:
    """JSON as YAML takes it, which knows no characters that are escaped in halves."""
    return _HALVES.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), json.dumps(document))


@EXAMPLES
@given(st.lists(st.one_of(suites(odd=False), suites(odd=True), ODD), min_size=1, max_size=2))
def test_whatever_the_file_says_it_is_read_and_run(documents: list[Any]) -> None:
    """'Whatever the bytes are, the answer is tests and findings, never an exception.'"""
    file = read(documents)
    verdicts = list(run_tests(file, DOCUMENTS, environment="staging", profile="C/server", now=0))
    for verdict in located(file, verdicts):
        assert verdict.line >= 1
        assert verdict.passed == (verdict.got == "")
    errors = {finding.document for finding in file.findings if finding.severity == "error"}
    assert errors.isdisjoint(suite.number for suite in file.suites)


@EXAMPLES
@given(suites(odd=False))
def test_a_file_as_the_reader_wants_it_has_a_verdict_on_every_case(suite: dict[str, Any]) -> None:
    """'A verdict on each case and share of a file.'"""
    file = read([suite])
    assert file.findings == ()
    asked: list[Path] = []
    for test in file.suites[0].tests:
        each = (*(case.path for case in test.cases), *(share.path for share in test.shares))
        asked.extend((test.path,) if test.flag == "gone" else each)
    verdicts = list(run_tests(file, DOCUMENTS, environment="staging", profile="C/server", now=0))
    assert [verdict.path[: len(path)] for verdict, path in zip(verdicts, asked, strict=True)] == asked


@EXAMPLES
@given(st.binary(max_size=200))
def test_bytes_that_are_no_tests_are_findings(content: bytes) -> None:
    """'Whatever the bytes are, the answer is tests and findings, never an exception.'"""
    file = read_flag_tests("a.test.yaml", content)
    assert file.findings or all(suite.tests == () for suite in file.suites)


@EXAMPLES
@given(
    st.lists(st.text("abc", min_size=1), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from("pqr"), st.lists(st.integers(0, 9), min_size=1, max_size=3), max_size=3),
)
def test_a_matrix_is_every_combination_for_every_entity(entities: list[str], matrix: dict[str, list[int]]) -> None:
    """'One case for each entity and each combination of the matrix, the last axis fastest.'"""
    case = {"entities": entities, "matrix": matrix, "expect": True}
    file = read([{"version": 1, "tests": [{"flag": "boolean", "cases": [case]}]}])
    made = [(case.entity, dict(case.context)) for case in file.suites[0].tests[0].cases]
    assert made == [
        (entity, dict(zip(matrix, map(str, values), strict=True)))
        for entity in entities
        for values in product(*matrix.values())
    ]
