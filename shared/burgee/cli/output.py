"""What the command line prints: tables, problems, JSON, progress; colour only where it is wanted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import click

from .. import __version__
from ..author.report import github_report, json_report, sarif_report, text_report
from ..core.errors import Problem

_REDRAW_SECONDS = 0.1
_REPORTS: dict[str, Callable[[Sequence[Problem]], str]] = {
    "json": json_report,
    "sarif": lambda problems: sarif_report(problems, version=__version__),
    "github": github_report,
}


def show_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def complain(message: str) -> None:
    """Print an error for a person."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)


def note(message: str) -> None:
    """Print something a person may want to know beside the result."""
    click.echo(message, err=True)


def show_problems(problems: Sequence[Problem], *, form: str = "text") -> None:
    """Print problems as text, json, sarif or github (annotations)."""
    if form == "text":
        click.echo(text_report(problems, colour=wants_color()), nl=False)
        return
    click.echo(_REPORTS[form](problems), nl=False)


def wants_color(*, err: bool = False) -> bool:
    """Whether colour was neither forbidden (NO_COLOR) nor would land in a file."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR")


def show_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their titles, columns as wide as their widest text."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for number, row in enumerate((titles, *rows)):
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        click.echo(line if number else click.style(line, bold=True))


def show_changes(changes: Sequence[Any]) -> None:
    """Print changes, a line each, coloured by their kind."""
    colors = {"added": "green", "removed": "red", "changed": "yellow"}
    for change in changes:
        click.secho(f"  {change}", fg=colors[change.action])


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """A callback that shows how far long work has come, on a terminal only."""
    shown = [0.0]

    def progress(count: int) -> None:
        if monotonic() - shown[0] >= _REDRAW_SECONDS:
            shown[0] = monotonic()
            sys.stderr.write(f"\r{what}: {count}")
            sys.stderr.flush()

    if not sys.stderr.isatty():
        yield lambda count: None
        return
    try:
        yield progress
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
