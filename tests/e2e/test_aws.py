"""burgee on AWS from `terraform apply` to `terraform destroy`, with the zips that were deployed and their rights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.aws.cloud import cloud
from tests.e2e.aws.story import tell
from tests.servers.terraform import unavailable


@pytest.mark.slow
@pytest.mark.integration
def test_a_team_lives_with_burgee_on_aws(tmp_path: Path, packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with cloud(tmp_path, packages) as running:
        if reason := unavailable(running.terraform):
            pytest.skip(reason)
        tell(running, say=lines.append)
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert any("terraform destroy leaves nothing" in line for line in lines)
