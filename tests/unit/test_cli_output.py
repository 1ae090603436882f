"""What is printed beside results: progress, and tables."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from burgee.cli.output import counting, fitting, note, progress, show_table
from tests.fakes.clock import VirtualClock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_of_long_work_is_shown_on_a_terminal_and_goes_at_the_end() -> None:
    clock, terminal = VirtualClock(), Terminal()
    with redirect_stderr(terminal), progress(lambda: clock.monotonic() / 1000) as show:
        for stage in ("too early", "shown", "too soon after"):
            show(stage)
            clock.advance(600 if stage == "too early" else 60)
        show("shown too")
    assert terminal.getvalue() == "\r\x1b[Kshown\r\x1b[Kshown too\r\x1b[K"


def test_progress_of_short_work_is_not_shown() -> None:
    terminal = Terminal()
    with redirect_stderr(terminal), counting("files read") as count:
        count(1)
    assert terminal.getvalue() == ""


def test_progress_is_not_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter(range(10))
    with progress(lambda: float(next(seconds))) as show:
        show("reading")
    assert capsys.readouterr() == ("", "")


def test_the_columns_of_a_table_are_as_wide_as_their_widest_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("A", "LONGER", "C"), [("wide text", "x", "y"), ("b", "", "")])
    assert capsys.readouterr().out == "A          LONGER  C\nwide text  x       y\nb\n"


def test_a_note_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    note("held: \x1b[2J\u202egone")
    assert capsys.readouterr().err == "held: \\x1b[2J\\u202egone\n"


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (None, ["A", "B", "C", "NOTE"]),
        (21, ["A", "B", "C", "NOTE"]),
        (20, ["A", "C", "NOTE"]),
        (13, ["A", "NOTE"]),
        (1, ["A", "NOTE"]),
    ],
)
def test_a_table_goes_without_spare_columns_until_it_fits(width: int | None, titles: list[str]) -> None:
    """The note may be as long as it likes: it goes on in the next line."""
    rows = [["1", "22222", "33333", "a note of more than any width"]]
    kept, (row,) = fitting(["A", "B", "C", "NOTE"], rows, width=width, spare=("B", "C", "D"), wraps="NOTE")
    assert list(kept) == titles
    assert len(row) == len(titles)
