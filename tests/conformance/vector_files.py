"""Reading of the vectors beside this file: `{"rule": ..., "cases": [...]}`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.builders import a_constraint

CONSTRAINT_VECTORS = [
    "constraints-texts",
    "constraints-lists",
    "constraints-numbers",
    "constraints-booleans-and-presence",
    "constraints-dates",
]


def vectors(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(__file__).with_name("vectors").joinpath(f"{name}.json").read_text())
    return read


def cases(name: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = vectors(name)["cases"]
    assert listed
    return listed


def constraint_of(case: dict[str, Any]) -> dict[str, Any]:
    """The constraint of a case, in normal form."""
    return a_constraint("p", case["operator"], case["value"], type=f"{case['type']}_COMPARISON_TYPE")
