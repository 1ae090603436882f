"""A hosted bare repository: its configuration, and making one so that half of one is never seen."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .command import Git, run_git
from .hooks import install_hooks

_INCLUDED = "burgee.config"
_SETTINGS = """\
# Written by burgee at each start.
[core]
\tlogAllRefUpdates = true
[gc]
\tauto = 0
\tautoDetach = false
[http]
\treceivepack = true
\tuploadpack = true
[receive]
\tadvertisePushOptions = true
\tautogc = false
\tfsckObjects = true
\tshallowUpdate = true
[transfer]
\thideRefs = refs/burgee
\tunpackLimit = 1000
[uploadpack]
\tallowFilter = true
\tallowReachableSHA1InWant = true
"""
_ASIDE = ".new-"
_LOOSE_MOST = "5000"


def prepare(git: Git, bare: Path) -> None:
    """What every start does: settings and hooks as this version wants them, and packing if there is much to pack.

    Git itself never packs behind a push: the objects that readers have open stay where they are while the host runs.
    """
    (bare / _INCLUDED).write_text(_SETTINGS)
    if _INCLUDED not in (bare / "config").read_text():
        run_git(git, "config", "--add", "include.path", _INCLUDED, bare=bare)
    install_hooks(bare)
    run_git(git, "-c", f"gc.auto={_LOOSE_MOST}", "gc", "--auto", "--quiet", bare=bare)


@contextmanager
def building(git: Git, bare: Path, *, branch: str) -> Iterator[Path]:
    """A new bare repository aside, which takes its place as `bare` when the block ends without an error.

    What an interrupted build left behind is removed.
    """
    bare.parent.mkdir(parents=True, exist_ok=True)
    for left in bare.parent.glob(f"{_ASIDE}{bare.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    aside = bare.parent / f"{_ASIDE}{bare.name}-{secrets.token_hex(4)}"
    aside.mkdir()
    try:
        run_git(git, "init", "--bare", "--quiet", "--template=", f"--initial-branch={branch}", str(aside), bare=aside)
        (aside / "info").mkdir(exist_ok=True)
        yield aside
        prepare(git, aside)
        aside.rename(bare)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
