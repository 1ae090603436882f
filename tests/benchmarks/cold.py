"""What importing the read side costs over a bare interpreter, by fresh processes in isolated mode without `site`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import perf_counter

from .measure import Row, Table, side_by_side

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_EVALUATE = (
    "burgee.settings",
    "burgee.fetch.clock",
    "burgee.fetch.live",
    "burgee.fetch.environments",
    "burgee.fetch.opening",
    "burgee.serve.app",
    "burgee.serve.auth",
    "burgee.serve.service",
)
_SHOWN = 12
_IMPORT_TIME = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")
_PATIENCE = 4


def run(rounds: int) -> list[Table]:
    """Start to end of a process, beside one that does nothing; and the modules that take longest by themselves."""
    rows = (
        _beside_bare("what evaluates", rounds, *_EVALUATE),
        _beside_bare("and reads a folder", rounds, *_EVALUATE, "burgee.fetch.file"),
        _beside_bare("and reads over HTTPS", rounds, *_EVALUATE, "burgee.fetch.http"),
    )
    return [
        Table("cold, a process that imports", "ms", rows),
        Table("cold, the modules that take longest by themselves", "ms", _modules(rounds)),
    ]


def _beside_bare(name: str, rounds: int, *modules: str) -> Row:
    script = _script(modules)
    _process(script)
    contenders = {"burgee": lambda: _process(script), "bare": lambda: _process("pass")}
    return side_by_side(name, rounds * _PATIENCE, contenders)


def _script(modules: tuple[str, ...]) -> str:
    return f"import sys; sys.path.insert(0, {str(_SHARED)!r}); import {', '.join(modules)}"


def _process(script: str, *options: str) -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-I", "-S", *options, "-c", script], check=True)
    return (perf_counter() - started) * 1000


def _modules(rounds: int) -> tuple[Row, ...]:
    command = [sys.executable, "-I", "-S", "-X", "importtime", "-c", _script(_EVALUATE)]
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds * _PATIENCE):
        report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        began = False
        for microseconds, module in _IMPORT_TIME.findall(report):
            # What comes before is the interpreter's own start.
            began = began or module == "burgee"
            if began:
                taken[module].append(int(microseconds) / 1000)
    medians = {module: median(values) for module, values in taken.items()}
    slowest = sorted(medians, key=lambda module: medians[module], reverse=True)[:_SHOWN]
    rows = [Row(module, {"burgee": medians[module]}, {}) for module in slowest]
    return (Row(f"all {len(medians)} modules", {"burgee": sum(medians.values())}, {}), *rows)
