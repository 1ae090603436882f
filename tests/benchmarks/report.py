"""Tables as text for people and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from .measure import Row, Table, Target

# More contenders than this stand one below the other.
_MOST_COLUMNS = 4


def as_json(tables: Sequence[Table]) -> str:
    """A list of tables, each with its rows and its targets, which have their verdicts."""
    return json.dumps([_object(table) for table in tables], indent=2)


def as_text(table: Table) -> str:
    """A title, the values with how many times burgee's they are, and what was asked of these figures."""
    several = len(table.rows[0].values) > _MOST_COLUMNS
    lines = _by_contender(table) if several else _by_row(table)
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    written = [_line(cells, widths) for cells in lines]
    return "\n".join((table.title, *written, *map(_target, table.targets)))


def _by_row(table: Table) -> list[list[str]]:
    values, ratios = list(table.rows[0].values), list(table.rows[0].ratios)
    return [[table.unit, *values, *(f"{other} / burgee" for other in ratios)], *map(_cells, table.rows)]


def _cells(row: Row) -> list[str]:
    return [row.name, *map(_number, row.values.values()), *map(_times, row.ratios.values())]


def _by_contender(table: Table) -> list[list[str]]:
    header = [f"{table.unit}, and times burgee's", *(cell for row in table.rows for cell in (row.name, ""))]
    return [header, *(_contender(name, table.rows) for name in table.rows[0].values)]


def _contender(name: str, rows: Sequence[Row]) -> list[str]:
    pairs = ((_number(row.values[name]), _times(row.ratios[name]) if name in row.ratios else "") for row in rows)
    return [name, *(cell for pair in pairs for cell in pair)]


def _target(target: Target) -> str:
    measured, reach, aim = map(
        _times if target.unit == "times" else _number, (target.measured, target.reach, target.aim)
    )
    unit = "" if target.unit == "times" else f" {target.unit}"
    return f"  {target.verdict.upper():7}  {target.name}: {measured}{unit}; must reach {reach}, aim {aim}"


def _object(table: Table) -> dict[str, object]:
    targets = [{**asdict(target), "verdict": target.verdict} for target in table.targets]
    return {**asdict(table), "targets": targets}


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  " + "   ".join((first, *rest)).rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 100 else f"{ratio:.1f}×" if ratio >= 10 else f"{ratio:.2f}×"
