"""One file, read, checked and in normal form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .finding import Finding, Findings, TooManyProblems
from .lint import lint_flag, lint_segment
from .locate import locate
from .normal import normal_flag, normal_namespace, normal_segment
from .read import is_json, read
from .schema import Checked, Reference, check_document
from .yaml_events import Starts


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document's right parts, each with its index in the file; what is wrong is in the file's findings.

    `defined` holds the keys of all segments, wrong ones too, so that one mistake is not reported twice.
    """

    namespace: str
    name: str
    description: str
    flags: tuple[tuple[int, dict[str, Any]], ...]
    segments: tuple[tuple[int, dict[str, Any]], ...]
    defined: dict[str, int]
    references: tuple[Reference, ...]
    flag_keys: dict[int, str]


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """`documents` by their number in the file; a document that is no mapping is left out. `size` is in bytes."""

    documents: dict[int, ParsedDocument]
    findings: tuple[Finding, ...]
    starts: Starts
    size: int


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A parsed file at its path; those of one `name` had the same content."""

    path: str
    name: str
    parsed: ParsedFile


def parse_file(path: str, content: bytes) -> ParsedFile:
    """Read, check and normalise one file; its findings are located."""
    reading = read(path, content)
    findings = Findings(reading.findings)
    documents = {}
    for number, raw in enumerate(reading.documents):
        checked = _check(number, raw, findings)
        if raw is None or type(raw) is dict:
            documents[number] = _parse(raw or {}, checked, number, findings)
    located = locate(content, findings.complete(), json=is_json(path), starts=reading.starts)
    return ParsedFile(documents, tuple(located), reading.starts, len(content))


def _check(number: int, raw: Any, findings: Findings) -> Checked:
    """The document, checked unless the file has too many errors before it or in it."""
    try:
        findings.make_room()
        checked = check_document(raw)
        findings.extend(replace(finding, document=number) for finding in checked.findings.complete())
    except TooManyProblems:
        return Checked(is_complete=False)
    return checked


def _parse(raw: dict[str, Any], checked: Checked, number: int, findings: Findings) -> ParsedDocument:
    wrong = checked.wrong
    raw_flags, raw_segments = raw.get("flags"), raw.get("segments")
    flags, segments = [], []
    warnings = Findings()
    for index, authored in enumerate(raw_segments if type(raw_segments) is list and checked.is_complete else ()):
        if ("segments", index) not in wrong:
            segment = normal_segment(authored)
            segments.append((index, segment))
            lint_segment(authored, segment, index, warnings)
    for index, authored in enumerate(raw_flags if type(raw_flags) is list and checked.is_complete else ()):
        if ("flags", index) not in wrong:
            flag = normal_flag(authored)
            flags.append((index, flag))
            lint_flag(authored, flag, index, warnings)
    findings.extend(replace(finding, document=number) for finding in warnings.complete())
    namespace, name, description = normal_namespace(raw.get("namespace"))
    return ParsedDocument(
        namespace,
        name,
        description,
        tuple(flags),
        tuple(segments),
        {key: index for index, key in _keys(raw_segments).items()},
        tuple(checked.references),
        _keys(raw_flags),
    )


def _keys(items: Any) -> dict[int, str]:
    """The keys that are texts, by index."""
    if type(items) is not list:
        return {}
    return {
        index: item["key"]
        for index, item in enumerate(items)
        if type(item) is dict and isinstance(item.get("key"), str)
    }
