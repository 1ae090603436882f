"""Packages that several of these modules look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from functions.packing.clouds import CLOUDS

from tests.packages import ROOT, packaged


@pytest.fixture(scope="session")
def lights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The packages of each cloud's evaluate function, as they are deployed by default."""
    made = {}
    for cloud in CLOUDS:
        folder = tmp_path_factory.mktemp(f"evaluate-{cloud}")
        packaged(ROOT, folder, "--function=evaluate", cloud=cloud)
        made[cloud] = folder / "evaluate.zip"
    return made


@pytest.fixture(scope="session")
def light(lights: dict[str, Path]) -> Path:
    """That of AWS."""
    return lights["aws"]


@pytest.fixture
def heavy(packages: Path) -> Path:
    """The packages with wheels in them, for the machine that tests run on."""
    return packages
