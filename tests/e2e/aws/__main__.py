"""`make aws-local`: the whole of burgee on AWS, on one machine and without an account."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.aws.cloud import cloud
from tests.e2e.aws.story import tell
from tests.servers.terraform import find_terraform


def main() -> int:
    """Live through the story, a line for each step."""
    if find_terraform() is None:
        print("this needs Terraform 1.11 or newer on PATH", file=sys.stderr)
        return 2
    began = time.monotonic()
    print("building the packages and starting an Amazon of our own")
    with TemporaryDirectory(prefix="burgee-aws-") as folder, cloud(Path(folder)) as running:
        tell(running, say=lambda line: print(line, flush=True))
    print(f"all of it in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
