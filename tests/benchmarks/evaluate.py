"""One evaluation, its slowest per cent, and all flags of one entity, by every contender's public interface."""

from __future__ import annotations

from collections.abc import Callable

from .contenders import FLIPT, OURS, PEERS, Contender, title, warmed
from .measure import Row, Table, Target, side_by_side

COUNTS = (10, 100, 1_000, 10_000)
_MIDDLE = 1_000


def run(rounds: int) -> list[Table]:
    """Microseconds for several numbers of flags."""
    evaluations, tails, batches = [], [], []
    for count in COUNTS:
        with warmed(count) as contenders:
            evaluations.append(_row(f"{count:,} flags", rounds, contenders, Contender.evaluation))
            if count == _MIDDLE:
                tails.append(_row("p99", rounds, contenders, Contender.tail))
                both = {name: contender for name, contender in contenders.items() if contender.name in (OURS, FLIPT)}
                batches.append(_row("whole batch", rounds, both, Contender.batch))
    return [
        Table("one evaluation, warm", "µs", tuple(evaluations), tuple(_one_evaluation(evaluations))),
        Table(f"single calls, {_MIDDLE:,} flags", "µs", tuple(tails), (_tail(tails[0]),)),
        Table(f"all of {_MIDDLE:,} flags for one entity", "µs", tuple(batches), (_batch(batches[0]),)),
    ]


def _row(name: str, rounds: int, contenders: dict[str, Contender], nanoseconds: Callable[[Contender], float]) -> Row:
    def microseconds(contender: Contender) -> Callable[[], float]:
        return lambda: nanoseconds(contender) / 1000

    return side_by_side(name, rounds, {title: microseconds(contender) for title, contender in contenders.items()})


def _one_evaluation(rows: list[Row]) -> list[Target]:
    flipt, others = title(FLIPT), [title(name) for name in PEERS if name != FLIPT]
    targets = []
    for count, row in zip(COUNTS, rows, strict=True):
        reach, aim = (14, 20) if count <= _MIDDLE else (7, 10)
        targets.append(Target(f"{row.name}, {flipt}", row.ratios[flipt], reach, aim))
    for count, row in zip(COUNTS, rows, strict=True):
        if count <= _MIDDLE:
            fastest = min(others, key=lambda other: row.ratios[other])
            targets.append(Target(f"{row.name}, fastest of the others ({fastest})", row.ratios[fastest], 7, 10))
    return targets


def _tail(row: Row) -> Target:
    best = min(row.ratios, key=lambda other: row.ratios[other])
    return Target(f"{row.name} of single calls, best of all ({best})", row.ratios[best], 8, 12)


def _batch(row: Row) -> Target:
    return Target(f"{row.name}, {title(FLIPT)}", row.ratios[title(FLIPT)], 60, 100)
