"""`make aws-local`: the whole of burgee on AWS, on one machine and without an account."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.aws.cloud import cloud
from tests.e2e.aws.story import tell
from tests.packages import ARCHITECTURE, PYTHON, ROOT, package
from tests.servers.terraform import find_terraform


def main() -> int:
    """Live through the story, a line for each step."""
    if find_terraform() is None:
        print("this needs Terraform 1.11 or newer on PATH", file=sys.stderr)
        return 2
    began = time.monotonic()
    with TemporaryDirectory(prefix="burgee-aws-") as folder:
        print("making the packages, which takes two minutes")
        made = package(ROOT, Path(folder, "made"), f"--python={PYTHON}", f"--architecture={ARCHITECTURE}")
        if made.returncode:
            print(made.stderr, file=sys.stderr, end="")
            return made.returncode
        print("starting an Amazon of our own, and deploying to it")
        with cloud(Path(folder), Path(folder, "made")) as running:
            tell(running, say=lambda line: print(line, flush=True), stay=bool(os.environ.get("STAY")))
    print(f"all of it in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
