"""Running flag tests for the command line: of one environment or all, and every verdict beside its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..author.finding import ERROR, did_you_mean
from ..core.errors import InvalidFiles, Problem
from ..core.instant import format_instant
from ..deliver.candidate import compile_bundle
from ..deliver.testing import find_tests, located, run_tests
from ..deliver.verdict import Verdict
from ..fetch.clock import SystemClock
from .output import progress
from .places import Tree, tree_at
from .stores import UnknownName


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be tested: where, of which environment and flag, and `at` which instant (None: now)."""

    path: str
    commit: str | None
    environment: str | None
    flag: str
    at: int | None


@dataclass(slots=True)
class Run:
    """What a run found: verdicts by environment and file, and the problems that kept tests from being run."""

    verdicts: dict[tuple[str, str], list[Verdict]] = field(default_factory=dict)
    problems: dict[Problem, None] = field(default_factory=dict)

    @property
    def every(self) -> Iterator[tuple[str, str, Verdict]]:
        """Each verdict with its environment and file."""
        for (environment, file), verdicts in self.verdicts.items():
            for verdict in verdicts:
                yield environment, file, verdict

    @property
    def has_failed(self) -> bool:
        """Whether a case failed, or a file has an error."""
        return any(not verdict.passed for _, _, verdict in self.every) or any(
            problem.severity == ERROR for problem in self.problems
        )


def run_asked(ask: Ask) -> Run:
    """Run the tests of each environment; wrong flag files are problems as they are to `burgee validate`.

    Raises UnknownName when no test is of the flag that is asked for.
    """
    run = Run()
    now = SystemClock.wall() if ask.at is None else ask.at
    try:
        tree = tree_at(ask.path, ask.commit)
    except InvalidFiles as error:
        run.problems.update(dict.fromkeys(error.problems))
        return run
    flags: set[str] = set()
    with progress() as show:
        for name in [tree.environment(ask.environment)] if ask.environment else tree.environments:
            show(f"{name}: testing")
            flags.update(_run_environment(run, tree, name, ask.flag, now))
    if ask.flag and ask.flag not in flags and not run.problems:
        hint = did_you_mean(ask.flag, flags)
        raise UnknownName(f"no test of flag {ask.flag!r}" + (f"; {hint}" if hint else ""))
    return run


def run_fields(run: Run) -> dict[str, Any]:
    """A run as JSON has it."""
    passed = [verdict.passed for _, _, verdict in run.every]
    return {
        "passed": passed.count(True),
        "failed": passed.count(False),
        "results": [_result(*one) for one in run.every],
        "problems": [problem._asdict() for problem in run.problems],
    }


def _run_environment(run: Run, tree: Tree, name: str, flag: str, now: int) -> set[str]:
    """Add to the run what an environment's tests say; the keys of the flags that they are of."""
    environment = tree.project.environments[name]
    files, problems = find_tests(tree.source, environment, environments=tree.environments)
    run.problems.update(dict.fromkeys(problems))
    if not files:
        return set()
    authored = tree.author(name)
    if not authored.ok:
        run.problems.update(dict.fromkeys(authored.problems))
        return set()
    documents = compile_bundle(authored.documents.values()).documents
    for file in files:
        asked = run_tests(file, documents, environment=name, profile=environment.profile, now=now, flag=flag)
        if verdicts := located(file, list(asked)):
            run.verdicts[name, file.path] = verdicts
    return {test.flag for file in files for suite in file.suites for test in suite.tests}


def _result(environment: str, file: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "environment": environment,
        "file": file,
        "line": verdict.line,
        "column": verdict.column,
        "namespace": verdict.namespace,
        "flag": verdict.flag,
        "title": verdict.title,
        "at": format_instant(verdict.at),
        "passed": verdict.passed,
        "expected": verdict.expected,
        "got": verdict.got,
        "why": verdict.why,
        "hint": verdict.hint,
    }
