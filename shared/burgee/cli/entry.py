"""Where `burgee` begins: it says which extra to install when the command line is not there."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        import click  # noqa: F401
    except ModuleNotFoundError:
        print("burgee: the command line is not installed; run: pip install 'burgee[cli]'", file=sys.stderr)
        raise SystemExit(2) from None
    from .main import run

    raise SystemExit(run(sys.argv[1:]))
