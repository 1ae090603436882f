"""Flag tests: what answers flags are to give, read from `*.test.yaml` files, and every mistake in them at once.

Law: whatever the bytes are, the answer is tests and findings, never an exception. A document with a mistake has no
tests: half of a matrix passing would say too much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ..core.context import texts_of
from ..core.instant import parse_instant
from ..core.json_text import json_text
from ..core.snapshot import DEFAULT_NAMESPACE
from .fields import items_of
from .finding import ERROR, Finding, Findings, Path, TooManyProblems, did_you_mean, shown, warning
from .flag_test_shapes import REASONS, check_flag_tests
from .locate import locate
from .numerals import plain
from .read import read
from .yaml_events import Starts

TEST_FAILED = "flag-test-failed"
NOTHING = "null"


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer is to be; a field that is None is not looked at.

    `variant` is empty when none is to be chosen; `attachment` is canonical JSON text, NOTHING for none.
    """

    value: bool | None = None
    variant: str | None = None
    attachment: str | None = None
    match: bool | None = None
    reason: str | None = None
    segments: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One question to a flag and the answer it is to give; `path` is the place in the document.

    `entity` is None when the answer is not to depend on who asks; `at` is in milliseconds, None for now.
    """

    path: Path
    name: str
    entity: str | None
    context: Mapping[str, str]
    at: int | None
    expected: Expected


@dataclass(frozen=True, slots=True)
class Share:
    """The percentage of entities that are to get each answer in a context, and by how much it may differ."""

    path: Path
    name: str
    context: Mapping[str, str]
    at: int | None
    percents: Mapping[str, float]
    tolerance: float


@dataclass(frozen=True, slots=True)
class FlagTest:
    """The cases and shares of one flag."""

    path: Path
    flag: str
    cases: tuple[Case, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one document of a file, its `number`th from 0; `environments` is None for every one."""

    number: int
    namespace: str
    environments: tuple[str, ...] | None
    tests: tuple[FlagTest, ...]


@dataclass(frozen=True, slots=True)
class FlagTestFile:
    """What a test file says; its findings are located."""

    path: str
    content: bytes
    suites: tuple[Suite, ...]
    findings: tuple[Finding, ...]
    starts: Starts

    def located(self, findings: Collection[Finding]) -> list[Finding]:
        """Further findings about the file, with lines and columns."""
        return locate(self.content, findings, json=False, starts=self.starts)


def read_flag_tests(path: str, content: bytes, *, environments: Collection[str] = ()) -> FlagTestFile:
    """The tests of a file; it may name `environments` (any, where none are given)."""
    reading = read(path, content)
    findings = Findings(reading.findings)
    suites = []
    for number, raw in enumerate(reading.documents):
        found = _check(raw, environments, findings)
        if raw is not None and not any(finding.severity == ERROR for finding in (*reading.findings, *found)):
            suites.append(_suite(number, raw))
        findings.fill(replace(finding, document=number) for finding in found)
    located = locate(content, findings.complete(), json=False, starts=reading.starts)
    return FlagTestFile(path, content, tuple(suites), tuple(located), reading.starts)


def _check(raw: Any, environments: Collection[str], before: Findings) -> list[Finding]:
    found = Findings()
    if raw is None or before.is_full:
        return []
    try:
        check_flag_tests(raw, found)
        found.extend(_unknown_environments(raw, environments))
    except TooManyProblems:
        return found.complete()
    return found


def _unknown_environments(raw: Any, known: Collection[str]) -> Iterator[Finding]:
    """Findings for tests that would never run."""
    for number, name in enumerate(items_of(raw, "environments") if type(raw) is dict and known else ()):
        if name not in known:
            message = f"there is no environment {shown(name)}, so these tests would not run there"
            hint = did_you_mean(name, known) or f"burgee.yaml has {', '.join(known)}"
            yield warning(("environments", number), "unknown-environment", message, hint)


def _suite(number: int, raw: dict[str, Any]) -> Suite:
    environments = raw.get("environments")
    return Suite(
        number,
        raw.get("namespace", DEFAULT_NAMESPACE),
        None if environments is None else tuple(environments),
        tuple(_flag_test(("tests", index), test) for index, test in enumerate(raw["tests"])),
    )


def _flag_test(path: Path, test: dict[str, Any]) -> FlagTest:
    cases: list[Case] = []
    for number, case in enumerate(items_of(test, "cases")):
        cases.extend(_cases((*path, "cases", number), {**_inherited(test), **case}))
    shares = [
        _share((*path, "shares", number), {**_inherited(test), **share})
        for number, share in enumerate(items_of(test, "shares"))
    ]
    return FlagTest(path, test["flag"], tuple(cases), tuple(shares))


def _inherited(test: dict[str, Any]) -> dict[str, Any]:
    return {field: test[field] for field in ("name", "at") if field in test}


def _cases(path: Path, case: dict[str, Any]) -> Iterator[Case]:
    """One case for each entity and each combination of the matrix, the last axis fastest."""
    matrix = case.get("matrix", {})
    expected = _expected(case["expect"])
    for entity in case.get("entities", [case.get("entity")]):
        for values in product(*matrix.values()):
            context = texts_of({**case.get("context", {}), **dict(zip(matrix, values, strict=True))})
            yield Case(path, case.get("name", ""), _text(entity), context, _instant(case), expected)


def _expected(authored: Any) -> Expected:
    if type(authored) is bool:
        return Expected(value=authored)
    if type(authored) is not dict:
        return Expected(variant=_text(authored))
    variant, segments = authored.get("variant"), authored.get("segments")
    return Expected(
        value=authored.get("value"),
        variant=(_text(variant) or "") if "variant" in authored else None,
        attachment=_attachment(authored["attachment"]) if "attachment" in authored else None,
        match=authored.get("match"),
        reason=REASONS[authored["reason"]] if "reason" in authored else None,
        segments=None if segments is None else frozenset(segments),
    )


def _attachment(value: Any) -> str:
    return json_text(plain(value), sort_keys=True)


def _share(path: Path, share: dict[str, Any]) -> Share:
    parts = share["expect"]
    percents = parts if type(parts) is dict else {"true": parts}
    context = texts_of(share.get("context", {}))
    return Share(path, share.get("name", ""), context, _instant(share), percents, share.get("tolerance", 0))


def _instant(authored: dict[str, Any]) -> int | None:
    return parse_instant(authored["at"]) if "at" in authored else None


def _text(value: Any) -> Any:
    """A text that is just that: an unquoted date is a text of its own kind."""
    return str(value) if isinstance(value, str) else value
