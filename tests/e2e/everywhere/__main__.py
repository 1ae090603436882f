"""`make everywhere`: one push to S3, Azure Blob, Google Cloud Storage and a registry, all of them on this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.everywhere.places import OF_CLOUD, places
from tests.e2e.everywhere.story import tell
from tests.packages import evaluate_packages


def main() -> int:
    """Live through the story, a line for each step."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="burgee-everywhere-") as folder:
        print(f"making the evaluate functions of {', '.join(OF_CLOUD.values())}", flush=True)
        try:
            packages = evaluate_packages(Path(folder, "packages"))
            print("starting four stores of our own", flush=True)
            with places(Path(folder), packages) as running:
                tell(running, say=lambda line: print(line, flush=True))
        except pytest.skip.Exception as missing:
            print(missing, file=sys.stderr)
            return 2
    print(f"all of it in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
