"""One push to S3, Azure Blob, Google Cloud Storage and a registry, and what stays when some of them go away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.everywhere.places import places
from tests.e2e.everywhere.story import tell
from tests.packages import evaluate_packages


@pytest.mark.slow
@pytest.mark.integration
def test_one_push_is_in_four_places_and_answers_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with places(tmp_path, evaluate_packages(tmp_path / "packages")) as running:
        tell(running, say=lines.append)
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert "published once it is back" in lines[-1]
