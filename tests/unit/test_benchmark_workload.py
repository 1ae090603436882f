"""The benchmark's flags mean what they say they mean, to everybody who is measured with them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from burgee.author.authored import SourceFile, author
from burgee.bundle.document import Document
from burgee.core.model import DEFAULT_PROFILE
from burgee.core.snapshot import Namespace, Snapshot
from burgee.deliver.candidate import compile_bundle
from burgee.deliver.changes import compare, count_flags
from tests.benchmarks.agreement import Answer, check, shares_of
from tests.benchmarks.authored import document_of
from tests.benchmarks.flags import flag_folders, with_one_change
from tests.benchmarks.measure import Target, side_by_side
from tests.benchmarks.worker import CONTENDERS
from tests.benchmarks.workload import CONTROL, Question, Workload, questions, workload

COUNT, ASKED = 100, 5_000


@pytest.fixture(scope="module")
def flags() -> Workload:
    return workload(COUNT)


@pytest.fixture(scope="module")
def asked() -> list[Question]:
    return questions(COUNT)[:ASKED]


def answer_of(namespace: Namespace, question: Question) -> Answer:
    flag, entity, context = question.flag, question.entity, question.context
    if question.is_boolean:
        return bool(namespace.boolean(flag, entity, context, 0).enabled)
    return str(namespace.variant(flag, entity, context, 0).variant_key or CONTROL)


def test_seven_of_ten_flags_are_boolean_and_the_others_have_three_rules(flags: Workload) -> None:
    variants = [flag for flag in flags.flags if not flag.is_boolean]
    assert len(flags.flags) - len(variants) == COUNT * 7 // 10
    assert {len({rule.segment for rule in flag.rules}) for flag in variants} == {3}
    assert {len(segment.constraints) for segment in flags.segments} == {3}


def test_entities_bring_eight_properties_and_ask_ten_times_in_a_row(asked: list[Question]) -> None:
    assert {len(question.context) for question in asked} == {8}
    assert [question.entity for question in asked[:10]] == [asked[0].entity] * 10
    assert len({question.entity for question in asked}) == ASKED // 10


def test_burgee_answers_as_the_workload_says(flags: Workload, asked: list[Question]) -> None:
    documents = {"default": Document(document_of(flags))}
    namespace = Snapshot(DEFAULT_PROFILE, documents).namespace("default")
    answers = [answer_of(namespace, question) for question in asked]
    check("burgee", shares_of(flags, asked), answers)


def test_who_does_not_evaluate_is_caught(flags: Workload, asked: list[Question]) -> None:
    possible = shares_of(flags, asked)
    with pytest.raises(AssertionError, match="to question"):
        check("constant", possible, [False if question.is_boolean else CONTROL for question in asked])


def test_who_evaluates_segments_but_no_shares_is_caught(flags: Workload, asked: list[Question]) -> None:
    likeliest = [max(shares, key=lambda answer: shares[answer]) for shares in shares_of(flags, asked)]
    with pytest.raises(AssertionError, match="times"):
        check("likeliest", shares_of(flags, asked), likeliest)


@pytest.mark.parametrize("contender", CONTENDERS)
def test_a_contender_writes_every_flag_without_its_sdk(contender: str, flags: Workload, tmp_path: Path) -> None:
    import_module(f"tests.benchmarks.peers.{contender}").write(flags, tmp_path)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    titles = [attachment["title"] for flag in flags.flags for attachment in flag.attachments]
    assert all(text.encode() in written for text in (*titles, *(flag.key for flag in flags.flags)))


def test_a_ratio_says_how_many_times_the_others_value_is_ours() -> None:
    row = side_by_side("x", 3, {"burgee": lambda: 2.0, "other": lambda: 30.0})
    assert row.ratios == {"other": 15.0}


@pytest.mark.parametrize(("times", "verdict"), [(13, "missed"), (14, "reached"), (20, "aim")])
def test_a_ratio_is_to_be_high(times: float, verdict: str) -> None:
    assert Target("x", times, reach=14, aim=20).verdict == verdict


@pytest.mark.parametrize(("milliseconds", "verdict"), [(41, "missed"), (40, "reached"), (25, "aim")])
def test_a_time_is_to_be_low(milliseconds: float, verdict: str) -> None:
    assert Target("x", milliseconds, reach=40, aim=25, unit="ms").verdict == verdict


def test_a_hundred_files_make_ten_documents_and_one_change_of_a_file_changes_one_flag() -> None:
    files = flag_folders(400)
    assert len(files) == 100
    before, after = (
        compile_bundle(author(SourceFile(path, text.encode()) for path, text in state.items()).documents.values())
        for state in (files, with_one_change(files, 1))
    )
    assert len(before.documents) == 10 and count_flags(before.documents) == 400
    (change,) = compare(before.documents, after.documents)
    assert (change.namespace, change.kind, change.action) == ("team-9", "flag", "changed")
