"""Parsed documents to one normal form for each namespace, in lexical path, then document order.

Law: what a file means depends on the files before it, never on those after it: a flag may use a segment of its own
or an earlier document only. Later definitions of a flag or a segment replace earlier ones, as in Flipt. A namespace has
one name; of several descriptions the last one that is not empty holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from .finding import MOST_HINTS, Finding, Findings, did_you_mean, shown, warning
from .normal import has_nested_metadata
from .parsed import ParsedDocument, ParsedFile
from .reach import everybody, lint_reach
from .schema import Reference


@dataclass(frozen=True, slots=True)
class Place:
    """A document's place: its file and number, for messages and findings."""

    file: str
    document: int


@dataclass(frozen=True, slots=True)
class _Definition:
    place: Place
    index: int
    value: dict[str, Any]


@dataclass(slots=True)
class _Namespace:
    """A namespace while its documents are being merged; `known` are all segment keys so far, wrong ones too."""

    name: str = ""
    named_in: str = ""
    description: str = ""
    flags: dict[str, _Definition] = field(default_factory=dict)
    segments: dict[str, _Definition] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    hints: int = 0


@dataclass(frozen=True, slots=True)
class Merged:
    """Normal forms by namespace key, and findings by file, not yet located."""

    documents: dict[str, dict[str, Any]]
    findings: dict[str, list[Finding]]


_Definitions = Callable[[], dict[tuple[str, str], str]]


def merge(files: Iterable[tuple[str, ParsedFile]]) -> Merged:
    """Merge files that are sorted by path; findings tell of replaced, unknown, unused and unreachable things."""
    ordered = [
        (Place(path, number), document) for path, parsed in files for number, document in parsed.documents.items()
    ]
    findings: dict[str, Findings] = {}
    namespaces: dict[str, _Namespace] = {}

    @cache
    def definitions() -> dict[tuple[str, str], str]:
        """The first file that defines a segment, by namespace and segment; made when a segment is unknown."""
        return {
            (document.namespace, segment): place.file
            for place, document in reversed(ordered)
            for segment in document.defined
        }

    for place, document in ordered:
        namespace = namespaces.setdefault(document.namespace, _Namespace())
        for finding in (
            *_add_names(namespace, place, document),
            *_add_segments(namespace, place, document),
            *_check_references(namespace, document, definitions),
            *_add_flags(namespace, place, document),
        ):
            _note(findings, place, finding)
    for namespace in namespaces.values():
        _lint(namespace, findings)
    documents = {key: _document(key, namespaces[key], findings) for key in sorted(namespaces)}
    return Merged(documents, {path: found.complete() for path, found in findings.items()})


def _note(findings: dict[str, Findings], place: Place, finding: Finding) -> None:
    findings.setdefault(place.file, Findings()).fill([replace(finding, document=place.document)])


def _add_names(namespace: _Namespace, place: Place, document: ParsedDocument) -> Iterable[Finding]:
    key = document.namespace
    if document.name and namespace.name and document.name != namespace.name:
        message = f"wanted one name for namespace '{key}', got {shown(document.name)} after {shown(namespace.name)}"
        hint = f"the other one is in {namespace.named_in}"
        yield Finding(("namespace", "name"), "namespace-name-conflict", message, hint)
    elif document.name:
        namespace.name, namespace.named_in = document.name, place.file
    if document.description and namespace.description and document.description != namespace.description:
        message = f"this description of namespace '{key}' replaces an earlier one"
        yield warning(("namespace", "description"), "namespace-description-conflict", message)
    namespace.description = document.description or namespace.description


def _add_segments(namespace: _Namespace, place: Place, document: ParsedDocument) -> Iterable[Finding]:
    namespace.known.update(document.defined)
    for index, segment in document.segments:
        key = segment["key"]
        if key in namespace.segments:
            yield _duplicate("segment", key, index, namespace.segments[key])
        namespace.segments[key] = _Definition(place, index, segment)


def _add_flags(namespace: _Namespace, place: Place, document: ParsedDocument) -> Iterable[Finding]:
    for index, flag in document.flags:
        key = flag["key"]
        if key in namespace.flags:
            yield _duplicate("flag", key, index, namespace.flags[key])
        namespace.flags[key] = _Definition(place, index, flag)


def _duplicate(kind: str, key: str, index: int, earlier: _Definition) -> Finding:
    message = f"{kind} '{key}' replaces the one in {earlier.place.file}, {kind} {earlier.index + 1} of its document"
    return warning((f"{kind}s", index), f"duplicate-{kind}", message, "remove one of them")


def _check_references(namespace: _Namespace, document: ParsedDocument, definitions: _Definitions) -> Iterable[Finding]:
    known, used = namespace.known, namespace.used
    for reference in document.references:
        segment = reference.segment
        used.add(segment)
        if segment not in known:
            later = definitions().get((document.namespace, segment))
            namespace.hints += 1
            candidates = known if namespace.hints <= MOST_HINTS else ()
            yield _unknown_segment(reference, document, candidates, later)


def _unknown_segment(
    reference: Reference, document: ParsedDocument, known: Collection[str], later: str | None
) -> Finding:
    flag = shown(document.flag_keys.get(reference.flag, reference.flag + 1))
    what = f"{reference.field.removesuffix('s')} {reference.number + 1} of {flag}"
    path = ("flags", reference.flag, reference.field, reference.number, "segment")
    name = shown(reference.segment)
    if later is None:
        message = f"{what} names unknown segment {name}"
        return Finding(path, "unknown-segment", message, did_you_mean(reference.segment, known))
    message = f"{what} names segment {name}, which comes later, in {later}"
    hint = "segments must come first: documents are read in order of their paths"
    return Finding(path, "forward-reference", message, hint)


def _lint(namespace: _Namespace, findings: dict[str, Findings]) -> None:
    everyone = everybody({key: definition.value for key, definition in namespace.segments.items()})
    for definition in namespace.flags.values():
        for finding in lint_reach(definition.value, definition.index, everyone):
            _note(findings, definition.place, finding)
    for key, definition in namespace.segments.items():
        if key not in namespace.used:
            message = f"segment '{key}' is used by no rule and no rollout"
            _note(findings, definition.place, warning(("segments", definition.index), "unused-segment", message))


def _document(key: str, namespace: _Namespace, findings: dict[str, Findings]) -> dict[str, Any]:
    nested = [definition for definition in namespace.flags.values() if has_nested_metadata(definition.value)]
    for definition in nested:
        message = "metadata holds more than text, numbers, true and false; Flipt v1 cannot read it"
        path = ("flags", definition.index, "metadata")
        _note(findings, definition.place, warning(path, "metadata-needs-v2", message, "write nested values as text"))
    names = {"name": namespace.name, "description": namespace.description}
    described = {field: text for field, text in names.items() if text}
    return {
        "version": "1.5" if nested else "1.4",
        "namespace": {"key": key, **described} if described else key,
        "flags": [definition.value for definition in namespace.flags.values()],
        "segments": [definition.value for definition in namespace.segments.values()],
    }
