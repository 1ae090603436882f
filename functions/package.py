"""Deployment packages of a cloud's functions, as `python functions/package.py aws` makes them.

Law: a package's bytes depend on this checkout, the Python and the processor it is for, and nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from functions.packing.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
