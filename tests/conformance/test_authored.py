"""Authored files are accepted, rejected and normalised as the vectors say."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from burgee.author.authored import Authored, SourceFile, author
from burgee.bundle.document import encode

_VECTORS = Path(__file__).parent / "vectors" / "authored"
_UNPROVEN = "unproven"


def _vectors() -> list[Any]:
    found: list[Any] = []
    for file in sorted(_VECTORS.glob("*.json")):
        if file.stem in (_UNPROVEN, "globs"):
            continue
        found.extend(
            pytest.param(vector, id=f"{file.stem}: {vector['name']}") for vector in json.loads(file.read_text("utf-8"))
        )
    return found


def _author(vector: dict[str, Any]) -> Authored:
    content = b64decode(vector["base64"]) if "base64" in vector else vector["text"].encode()
    return author([SourceFile(vector["file"], content)])


@pytest.mark.parametrize("vector", _vectors())
def test_file_is_read_as_its_vector_says(vector: dict[str, Any]) -> None:
    authored = _author(vector)
    assert authored.ok == vector["accepted"], authored.problems
    severity, code = ("error", vector.get("code")) if "code" in vector else ("warning", vector.get("warning"))
    if code:
        found = [problem for problem in authored.problems if (problem.severity, problem.code) == (severity, code)]
        assert found, authored.problems
        assert all(
            getattr(found[0], field) == vector[field] for field in ("path", "line", "column", "hint") if field in vector
        ), found


@pytest.mark.parametrize("vector", [one for one in _vectors() if "documents" in one.values[0]])
def test_normal_form_is_as_its_vector_says_and_a_fixed_point(vector: dict[str, Any]) -> None:
    documents = _author(vector).documents
    assert documents == vector["documents"]
    for key, document in documents.items():
        content = encode(document)
        again = author([SourceFile("features.yaml", content)])
        assert again.ok, again.problems
        assert encode(again.documents[key]) == content


def test_unproven_statements_are_sentences() -> None:
    assert all(isinstance(one, str) for one in json.loads((_VECTORS / f"{_UNPROVEN}.json").read_text("utf-8")))
