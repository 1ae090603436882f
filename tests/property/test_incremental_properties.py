"""What a process has built before changes nothing of what it builds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.author.authored import Authored, ParsedFiles
from burgee.author.project import Environment, read_project
from burgee.deliver.built import Built
from burgee.deliver.candidate import CompiledDocuments, compile_bundle
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Options, Publisher
from burgee.deliver.reading import author_environment
from burgee.deliver.receipt import Receipt
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.builders import Normal, a_rule, a_segment, a_segment_rollout, a_variant
from tests.fakes.repository import FakeRepository, FakeTree
from tests.publishing import a_rim

_PROJECT = "version: 1\nenvironments:\n  staging: {default: true, directory: a}\n  production: {directory: b}\n"

_PATHS = tuple(
    f"{folder}/{name}" for folder in "ab" for name in ("1.features.yaml", "2.features.yml", "x/features.json")
)
_NAMESPACES = (
    "default",
    "shop",
    {"key": "shop", "name": "Shop"},
    {"key": "shop", "name": "Shop", "description": "Theirs"},
)
_IS = {"type": "STRING_COMPARISON_TYPE", "property": "p", "operator": "eq", "value": "v"}
_SEGMENTS: tuple[Normal, ...] = (
    a_segment("s"),
    a_segment("t", [_IS], any_of=True),
    a_segment("t", any_of=True),
)
_FLAGS: tuple[Normal, ...] = (
    {"key": "a", "name": "A", "enabled": True},
    {"key": "a", "name": "Another"},
    {"key": "b", "name": "B", "type": "BOOLEAN_FLAG_TYPE", "rollouts": [a_segment_rollout("s")]},
    {"key": "c", "name": "C", "variants": [a_variant("v")], "rules": [a_rule("t", [("v", 100)])]},
    {"key": "d", "name": "D", "rules": [a_rule("s"), a_rule("t"), a_rule("s")]},
    {"key": "e", "name": "E", "metadata": {"nested": {"x": 1}}},
)
_WRONG: tuple[Normal, ...] = ({"key": "s", "name": "S"}, {"key": "f", "name": "F", "rules": [a_rule("nobody")]}, {})


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A flag file: some documents, or what is none."""
    if draw(st.integers(0, 29)) == 0:
        return draw(st.sampled_from(("flags: [", "", "- 1\n", "flags: 3\n", "a: b\x00")))
    documents = draw(st.lists(_documents(), min_size=1, max_size=2 if draw(st.booleans()) else 1))
    return "---\n".join(f"{json.dumps(document, indent=1)}\n" for document in documents)


@st.composite
def _documents(draw: st.DrawFn) -> Normal:
    segments, flags = (draw(st.lists(st.sampled_from(pool), max_size=3)) for pool in (_SEGMENTS, _FLAGS))
    if draw(st.integers(0, 19)) == 0:
        draw(st.sampled_from((segments, flags))).append(draw(st.sampled_from(_WRONG)))
    # Most flags have what they name, whatever else there is.
    named = [] if draw(st.integers(0, 19)) == 0 else _SEGMENTS[:2]
    return {"namespace": draw(st.sampled_from(_NAMESPACES)), "segments": [*named, *segments], "flags": flags}


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, str]]:
    """States of a repository, each made from the one before: files are written, moved, copied and removed."""
    files = draw(st.dictionaries(st.sampled_from(_PATHS), texts(), max_size=4))
    states = [files]
    for _ in range(draw(st.integers(1, 5))):
        files = dict(files)
        path, other = draw(st.sampled_from(_PATHS)), draw(st.sampled_from(_PATHS))
        match draw(st.sampled_from(("write", "write", "move", "copy", "remove", "return"))):
            case "write":
                files[path] = draw(texts())
            case "move" if path in files:
                files[other] = files.pop(path)
            case "copy" if path in files:
                files[other] = files[path]
            case "remove":
                files.pop(path, None)
            case "return":
                files = dict(draw(st.sampled_from(states)))
        states.append(files)
    return states


@given(histories(), st.sampled_from((0, 300, 10**6)))
@settings(max_examples=200, deadline=None)
def test_what_is_built_again_is_what_is_built_from_nothing(states: list[dict[str, str]], limit: int) -> None:
    """Law: what is kept is known by all it was made of, so a build with it and one from nothing give the same."""
    parsed, compiled = ParsedFiles(limit=limit), CompiledDocuments(limit=limit)
    for files in states:
        for environment in read_project(_PROJECT.encode(), "burgee.yaml").environments.values():
            again, anew = _authored(files, environment, parsed), _authored(files, environment, ParsedFiles())
            assert again == anew
            assert compile_bundle(again.documents.values(), compiled=compiled) == compile_bundle(
                anew.documents.values()
            )


@given(histories())
@settings(max_examples=60, deadline=None)
def test_what_is_published_by_one_process_is_what_many_publish(states: list[dict[str, str]]) -> None:
    """Law: as above; of documents, bundles, static snapshots and receipts alike."""
    repository, kept = FakeRepository({}), Built()
    one, many = MemoryObjects("memory://one"), MemoryObjects("memory://many")
    for files in states:
        repository.files = {"burgee.yaml": _PROJECT, **files}
        assert _published(repository, one, kept) == _published(repository, many, Built())
        assert _content(one) == _content(many)


def test_files_that_did_not_change_are_not_read_again() -> None:
    parsed = ParsedFiles()
    files = {"a/1.features.yaml": "flags: [{key: a, name: A}]\n", "a/2.features.yml": "flags: [{key: b, name: B}]\n"}
    environment = read_project(_PROJECT.encode(), "burgee.yaml").environments["staging"]
    author_environment(FakeTree(files), environment, parsed=parsed)
    changed = FakeTree({**files, "a/2.features.yml": "flags: [{key: c, name: C}]\n"})
    author_environment(changed, environment, parsed=parsed)
    assert changed.read_paths == ["a/2.features.yml"]


def _authored(files: Mapping[str, str], environment: Environment, parsed: ParsedFiles) -> Authored:
    return author_environment(FakeTree(files), environment, parsed=parsed)


def _published(repository: FakeRepository, objects: MemoryObjects, built: Built) -> list[Receipt]:
    options = Options(allow_removal=True)
    receipts = publish(Publisher(repository, ObjectStore(objects), a_rim(), options, built))
    return [replace(receipt, took=0) for receipt in receipts]


def _content(objects: MemoryObjects) -> dict[str, bytes]:
    return {key: objects.get(key).content for key in objects.list("")}
