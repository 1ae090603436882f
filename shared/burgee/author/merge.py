"""Parsed documents to one normal form for each namespace, in lexical path, then document order.

Law: what a file means depends on the files before it, never on those after it: a flag may use a segment of its own
or an earlier document only. Later definitions of a flag or a segment replace earlier ones, as in Flipt. A namespace has
one name; of several descriptions the last one that is not empty holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from .finding import MOST_HINTS, Finding, Findings, did_you_mean, shown, warning
from .kept import Kept
from .normal import has_nested_metadata
from .parsed import NamedFile, ParsedDocument
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
class MergedNamespace:
    """The normal form of a namespace, and the findings of its making by file, not yet located."""

    document: dict[str, Any]
    findings: Mapping[str, Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Merged:
    """Normal forms by namespace key, and findings by file, not yet located."""

    documents: dict[str, dict[str, Any]]
    findings: dict[str, list[Finding]]


_Documents = Sequence[tuple[Place, ParsedDocument]]
_Definitions = Callable[[], dict[str, str]]

# By namespace key, and by path and name of the files that have something of it.
MergedNamespaces = Kept[tuple[str, tuple[tuple[str, str], ...]], MergedNamespace]


def merge(files: Iterable[NamedFile], kept: MergedNamespaces) -> Merged:
    """Merge files that are sorted by path; findings tell of replaced, unknown, unused and unreachable things.

    A namespace all of whose files are as they were is taken from `kept`.
    """
    grouped: dict[str, list[NamedFile]] = {}
    for file in files:
        for key in dict.fromkeys(document.namespace for document in file.parsed.documents.values()):
            grouped.setdefault(key, []).append(file)
    namespaces = {key: _merged(key, having, kept) for key, having in grouped.items()}
    findings: dict[str, Findings] = {}
    for namespace in namespaces.values():
        for path, found in namespace.findings.items():
            findings.setdefault(path, Findings()).fill(found)
    documents = {key: namespaces[key].document for key in sorted(namespaces)}
    return Merged(documents, {path: found.complete() for path, found in findings.items()})


def _merged(key: str, files: Sequence[NamedFile], kept: MergedNamespaces) -> MergedNamespace:
    known_by = (key, tuple((file.path, file.name) for file in files))
    found = kept.get(known_by)
    if found is None:
        documents = [
            (Place(file.path, number), document)
            for file in files
            for number, document in file.parsed.documents.items()
            if document.namespace == key
        ]
        found = _merge_namespace(key, documents)
        kept.keep(known_by, found, size=sum(file.parsed.size for file in files))
    return found


def _merge_namespace(key: str, documents: _Documents) -> MergedNamespace:
    findings: dict[str, Findings] = {}
    namespace = _Namespace()

    @cache
    def definitions() -> dict[str, str]:
        """The first file that defines a segment; made when a segment is unknown."""
        return {segment: place.file for place, document in reversed(documents) for segment in document.defined}

    for place, document in documents:
        for finding in (
            *_add_names(namespace, place, document),
            *_add_segments(namespace, place, document),
            *_check_references(namespace, document, definitions),
            *_add_flags(namespace, place, document),
        ):
            _note(findings, place, finding)
    _lint(namespace, findings)
    normal = _document(key, namespace, findings)
    return MergedNamespace(normal, {path: tuple(found.complete()) for path, found in findings.items()})


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
            later = definitions().get(segment)
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
