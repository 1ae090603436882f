"""The private memory that 10,000 flags take, in a fresh process each, over that process before it loaded them."""

from __future__ import annotations

from statistics import median

from .contenders import FLIPT, OURS, running, title
from .measure import Row, Table, Target
from .worker import CONTENDERS

COUNT = 10_000
_PROCESSES = 3


def run(rounds: int) -> list[Table]:
    """Once loaded, and once every flag was asked about; it hardly varies, so that few processes will do."""
    taken = {title(name): _taken(name, min(rounds, _PROCESSES)) for name in CONTENDERS}
    loaded = _row("loaded", {name: values[0] for name, values in taken.items()})
    asked = _row("every flag asked", {name: values[1] for name, values in taken.items()})
    flipt = title(FLIPT)
    targets = (
        Target(f"loaded, {flipt} loaded", loaded.ratios[flipt], 4, 9),
        Target(f"every flag asked, {flipt} loaded", loaded.values[flipt] / asked.values[OURS], 1, 1),
    )
    return [Table(f"private memory taken by {COUNT:,} flags", "MB", (loaded, asked), targets)]


def _taken(name: str, processes: int) -> tuple[float, float]:
    samples = []
    for _ in range(processes):
        with running(COUNT, (name,)) as contenders:
            (contender,) = contenders.values()
            samples.append(contender.memory())
    return median(loaded for loaded, _ in samples) / 1e6, median(asked for _, asked in samples) / 1e6


def _row(name: str, values: dict[str, float]) -> Row:
    ours = values[OURS]
    return Row(name, values, {other: theirs / ours for other, theirs in values.items() if other != OURS})
