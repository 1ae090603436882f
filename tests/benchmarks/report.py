"""Tables as text for people and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from .measure import Row, Table


def as_json(tables: Sequence[Table]) -> str:
    """A list of tables, each with its rows."""
    return json.dumps([asdict(table) for table in tables], indent=2)


def as_text(table: Table) -> str:
    """A title and a line for each row: the values, then burgee's over each other's."""
    values, ratios = list(table.rows[0].values), list(table.rows[0].ratios)
    columns = [table.unit, *values, *(f"burgee / {other}" for other in ratios)]
    lines = [columns, *(_cells(row) for row in table.rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join((table.title, *(_line(cells, widths) for cells in lines)))


def _cells(row: Row) -> list[str]:
    return [row.name, *map(_number, row.values.values()), *map(_ratio, row.ratios.values())]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  " + "   ".join((first, *rest))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 10 else f"{ratio:,.0f}"
