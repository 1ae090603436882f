"""What importing the read side costs over a bare interpreter, by fresh processes in isolated mode without `site`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import perf_counter

from .contenders import folder_of
from .measure import Row, Table, Target
from .peers.burgee import ENVIRONMENT, url_of
from .workload import workload

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_CORE, _SDK = "core alone", "the SDK"
_EVALUATE = """
import burgee.settings, burgee.fetch.clock, burgee.fetch.live, burgee.fetch.environments, burgee.fetch.opening
import burgee.serve.app, burgee.serve.auth, burgee.serve.service
"""
_OPEN = "import burgee.client, burgee.fetch.opening; burgee.fetch.opening.open_fetcher({!r}, {{}})"
_FIRST_ANSWER = """
from burgee.client import Client
Client({!r}, environment={!r}).boolean({!r}, "user-1", {{"plan": "pro", "orders": 7}})
"""
_TARGETS = {_CORE: (5.0, 1.5), _SDK: (40.0, 25.0)}
_SHOWN = 12
_IMPORT_TIME = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")
_PATIENCE = 8
_FEW = 10
_BEGIN = f"import sys; sys.path.insert(0, {str(_SHARED)!r})\n"


def run(rounds: int) -> list[Table]:
    """Start to end of a process over that of one that does nothing; and the modules that take longest by themselves."""
    taken = _over_bare(rounds)
    rows = tuple(Row(name, {"burgee": milliseconds}, {}) for name, milliseconds in taken.items())
    targets = tuple(Target(name, taken[name], reach, aim, "ms") for name, (reach, aim) in _TARGETS.items())
    return [
        Table("processes over a bare interpreter", "ms", rows, targets),
        Table("the modules of a function that take longest by themselves", "ms", _modules(rounds)),
    ]


def _over_bare(rounds: int) -> dict[str, float]:
    scripts = _scripts()
    taken: dict[str, list[float]] = {name: [] for name in scripts}
    for script in scripts.values():
        _process(script)
    for _ in range(rounds * _PATIENCE):
        for name, script in scripts.items():
            taken[name].append(_process(script) - _process(""))
    return {name: median(values) for name, values in taken.items()}


def _scripts() -> dict[str, str]:
    (flag, *_) = workload(_FEW).flags
    return {
        _CORE: "import burgee.core.snapshot",
        _SDK: "import burgee.client",
        "the SDK and what it reads file:// with": _OPEN.format("file:///srv/flags"),
        "the SDK and what it reads https:// with": _OPEN.format("https://flags.example.org"),
        f"the SDK until its first answer, {_FEW} flags in a folder": _FIRST_ANSWER.format(
            url_of(folder_of(_FEW)), ENVIRONMENT, flag.key
        ),
        "what a function evaluates with": _EVALUATE,
        "and reads a folder": f"{_EVALUATE}import burgee.fetch.file",
        "and reads over HTTPS": f"{_EVALUATE}import burgee.fetch.http",
    }


def _process(script: str) -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", _BEGIN + script], check=True)
    return (perf_counter() - started) * 1000


def _modules(rounds: int) -> tuple[Row, ...]:
    command = [sys.executable, "-I", "-S", "-X", "importtime", "-c", _BEGIN + _EVALUATE]
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
