"""Where `burgee` begins: it says which extra to install when the command line is not there."""

from __future__ import annotations

import sys
from importlib.util import find_spec

# What the extra `cli` brings, by the names that are imported; another package may have brought some of it already.
_NEEDED = ("click", "dulwich", "pydantic", "uvicorn", "watchfiles", "yaml")


def main() -> None:
    """Run the command line and leave with its exit code."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        wanted = f"the command line is not installed ({', '.join(missing)} missing)"
        print(
            f"burgee: {wanted}; install it with the extra `cli`, in a checkout: pip install '.[cli]'", file=sys.stderr
        )
        raise SystemExit(2)
    from .main import run

    raise SystemExit(run(sys.argv[1:]))
