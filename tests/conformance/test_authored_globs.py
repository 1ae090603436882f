"""Globs match as Flipt's do."""

import json
from pathlib import Path
from typing import Any

import pytest

from burgee.author.globs import compile_glob

_VECTORS = json.loads((Path(__file__).parent / "vectors" / "authored" / "globs.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", _VECTORS, ids=lambda vector: vector["name"])
def test_glob_matches_what_its_vector_says(vector: dict[str, Any]) -> None:
    glob = compile_glob(vector["pattern"])
    assert [path for path in vector["matches"] if not glob.fullmatch(path)] == []
    assert [path for path in vector["refuses"] if glob.fullmatch(path)] == []
