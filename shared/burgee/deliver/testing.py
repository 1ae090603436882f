"""Flag tests of an environment: found in a tree, run against documents, told as verdicts and as problems.

Law: without test files nothing is compiled, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from ..author.finding import ERROR, WARNING, Findings, did_you_mean
from ..author.flag_tests import FlagTest, FlagTestFile, Suite, read_flag_tests
from ..author.project import Environment, Project
from ..author.select import select_tests
from ..bundle.document import Document
from ..core.errors import Problem, TooLarge
from ..core.snapshot import Snapshot
from ..git.tree import Source
from .candidate import Candidate
from .verdict import Verdict, case_verdict, share_verdict


def check_tests(source: Source, project: Project, name: str, candidate: Candidate, *, now: int) -> tuple[Problem, ...]:
    """What the flag tests of an environment say of a bundle that may be released, at `now` (milliseconds).

    Failures and mistakes in test files are errors where the environment requires tests, and warnings where it does not.
    """
    environment = project.environments[name]
    if environment.tests == "ignore":
        return ()
    files, problems = find_tests(source, environment, environments=project.environments)
    for file in files:
        failed = Findings()
        verdicts = run_tests(file, candidate.documents, environment=name, profile=environment.profile, now=now)
        failed.fill(verdict.finding() for verdict in verdicts if not verdict.passed)
        problems.extend(finding.problem(file.path) for finding in file.located(failed.complete()))
    if environment.tests == "warn":
        problems = [problem._replace(severity=WARNING) for problem in problems]
    return tuple(sorted(problems))


def find_tests(
    source: Source, environment: Environment, *, environments: Collection[str]
) -> tuple[list[FlagTestFile], list[Problem]]:
    """The flag tests below an environment's directory, by path, and every mistake in them.

    `environments` are those that a file may name.
    """
    entries = source.entries()
    selection = select_tests(entries, directory=environment.directory, ignore=environment.ignore)
    chosen, problems, files = set(selection.paths), list(selection.problems), []
    for entry in entries if chosen else ():
        if entry.path not in chosen:
            continue
        try:
            content = source.read(entry)
        except TooLarge as error:
            problems.append(Problem(entry.path, 0, 0, "", ERROR, "file-too-large", str(error), "split it"))
            continue
        file = read_flag_tests(entry.path, content, environments=environments)
        problems.extend(finding.problem(file.path) for finding in file.findings)
        files.append(file)
    return files, problems


def run_tests(
    file: FlagTestFile, documents: Mapping[str, Document], *, environment: str, profile: str, now: int, flag: str = ""
) -> Iterator[Verdict]:
    """A verdict on each case and share of a file, those of one flag or of all; lines and columns are yet to be found.

    Cases that name no instant are asked at `now` (milliseconds).
    """
    snapshot: Snapshot | None = None
    for suite in file.suites:
        if suite.environments is not None and environment not in suite.environments:
            continue
        snapshot = snapshot or Snapshot(profile, documents)
        for test in suite.tests:
            if flag in ("", test.flag):
                yield from _verdicts(suite, test, snapshot, environment, now)


def located(file: FlagTestFile, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts on a file with their lines and columns."""
    places = file.located([verdict.finding() for verdict in verdicts])
    return [
        replace(verdict, line=place.line, column=place.column) for verdict, place in zip(verdicts, places, strict=True)
    ]


def _verdicts(suite: Suite, test: FlagTest, snapshot: Snapshot, environment: str, now: int) -> Iterator[Verdict]:
    whole = Verdict((*test.path, "flag"), suite.number, suite.namespace, test.flag, "", now)
    namespace = snapshot.namespaces.get(suite.namespace)
    if namespace is None:
        known = list(snapshot.namespaces)
        hint = did_you_mean(suite.namespace, known) or f"there are {', '.join(known)}"
        yield whole.fail("a flag", f"no namespace {suite.namespace!r} in {environment}", "", hint)
        return
    if namespace.document.flag(test.flag) is None:
        hint = did_you_mean(test.flag, namespace.document.flag_keys())
        yield whole.fail("a flag", f"none of this key in namespace {suite.namespace!r} of {environment}", "", hint)
        return
    for case in test.cases:
        yield case_verdict(replace(whole, at=now if case.at is None else case.at), namespace, case)
    for share in test.shares:
        yield share_verdict(replace(whole, at=now if share.at is None else share.at), namespace, share)
