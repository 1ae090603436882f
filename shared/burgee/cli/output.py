"""What the command line prints: tables, problems, JSON, progress; colour only where it is wanted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from shutil import get_terminal_size
from time import monotonic
from typing import Any

import click

from .. import __version__
from ..author.report import github_report, json_report, sarif_report, text_report
from ..core.errors import Problem
from ..core.visible import visible
from ..deliver.changes import Change
from ..deliver.receipt import Receipt, lines

_PATIENCE_SECONDS = 0.5
_REDRAW_SECONDS = 0.1
_REPORTS: dict[str, Callable[[Sequence[Problem]], str]] = {
    "json": json_report,
    "sarif": lambda problems: sarif_report(problems, version=__version__),
    "github": github_report,
}


def show_json(value: Any) -> None:
    """Print a value as indented JSON, in ASCII: it may hold texts that no encoding has."""
    click.echo(json.dumps(value, indent=2))


def complain(message: str) -> None:
    """Print an error for a person."""
    click.echo(
        f"{click.style('error:', fg='red', bold=True)} {visible(message)}", err=True, color=wants_color(err=True)
    )


def note(message: str) -> None:
    """Print something a person may want to know beside the result."""
    click.echo(visible(message), err=True)


def show_problems(problems: Sequence[Problem], *, form: str = "text") -> None:
    """Print problems as text, json, sarif or github (annotations)."""
    text = text_report(problems, colour=wants_color()) if form == "text" else _REPORTS[form](problems)
    click.echo(text, nl=False)


def wants_color(*, err: bool = False) -> bool:
    """Whether colour was neither forbidden (NO_COLOR) nor would land in a file."""
    return _is_terminal(sys.stderr if err else sys.stdout) and not os.environ.get("NO_COLOR")


def escape_what_cannot_be_shown() -> None:
    """Let a terminal of little alphabet, or a file name that is not text, not end a command with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their titles, columns as wide as their widest text."""
    for line in table_lines(titles, rows):
        click.echo(line)


def table_lines(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, that of the titles first."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for number, row in enumerate((titles, *rows)):
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        yield line if number else click.style(line, bold=True)


def fitting(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None, spare: Sequence[str], wraps: str
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """A table without as many of its `spare` columns as it takes to fit a width, if there is one.

    The column that `wraps` may go on in the next line, so it counts as wide as its title.
    """
    dropped: set[str] = set()
    columns = list(zip(titles, *rows, strict=True))
    left = [title for title in spare if title in titles]
    while width is not None and left and _width(columns, dropped, wraps) > width:
        dropped.add(left.pop(0))
    kept = [number for number, title in enumerate(titles) if title not in dropped]
    return [titles[number] for number in kept], [[row[number] for number in kept] for row in rows]


def terminal_width() -> int | None:
    """How many characters a line of the terminal has; None where the output goes elsewhere."""
    return get_terminal_size().columns if _is_terminal(sys.stdout) else None


def show_receipt(receipt: Receipt) -> None:
    """Print what happened to one environment."""
    headline, *rest = lines(receipt)
    click.secho(headline, bold=True, fg="red" if receipt.is_fault else None)
    for line in rest:
        click.echo(line)


def show_changes(changes: Sequence[Change]) -> None:
    """Print changes, a line each, coloured by their kind."""
    colors = {"added": "green", "removed": "red", "changed": "yellow"}
    for change in changes:
        click.secho(f"  {change}", fg=colors[change.action])


@contextmanager
def progress(clock: Callable[[], float] = monotonic) -> Iterator[Callable[[str], None]]:
    """A callback that says what long work is at: on a terminal only, in one line that is gone at the end.

    `clock` is in seconds.
    """
    if not _is_terminal(sys.stderr):
        yield lambda stage: None
        return
    due = clock() + _PATIENCE_SECONDS
    shown = False

    def show(stage: str) -> None:
        nonlocal due, shown
        if clock() >= due:
            due, shown = clock() + _REDRAW_SECONDS, True
            sys.stderr.write(f"\r\x1b[K{stage}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Progress as a number, as `files read: 12`."""
    with progress() as show:
        yield lambda count: show(f"{what}: {count}")


def _width(columns: Sequence[Sequence[str]], dropped: set[str], wraps: str) -> int:
    widths = [
        len(title) if title == wraps else max(map(len, (title, *texts)))
        for title, *texts in columns
        if title not in dropped
    ]
    return sum(widths) + 2 * (len(widths) - 1)


def _is_terminal(stream: Any) -> bool:
    """A closed stream is None, or says so."""
    return stream is not None and not stream.closed and stream.isatty()
