"""`burgee simulate`: what it prints, and how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from burgee.cli.main import run

PNG = b"\x89PNG\r\n\x1a\n"
FEW = ["simulate", "--readers", "30", "--stores", "2"]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run([*FEW, *arguments])
    return code, *capsys.readouterr()


def test_it_shows_readers_with_the_delay_beside_readers_without(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys)
    first, titles, off, delayed = out.splitlines()
    assert (code, err) == (0, "")
    assert first == "30 readers of 2 stores, TTL 60 s, lag up to 5 s, clocks within 5 s, seed 1"
    assert " ".join(titles.split()) == "DELAY FRESH ANSWERS STALE ANSWERS NOT READY DIFFER WINDOW WORST"
    assert off.startswith("off ") and delayed.startswith("120 s ")


def test_without_a_delay_alone_nothing_is_promised(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--delay", "off")
    assert code == 0
    assert len(out.splitlines()) == 3


def test_a_broken_promise_is_said_reader_by_reader_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "--delay", "1ms", "--believed-ttl", "0s")
    assert code == 1
    assert "error: reader " in err
    assert " of seed 1, whose last look is " in err
    assert " is active\n" in err
    assert err.splitlines()[-1].startswith("error: and ")


def test_a_delay_that_is_too_near_is_said_to_be_shifted(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = said(capsys, "--delay", "10s")
    assert err == "a delay of 10 s is too near for readers to be ready; shifted to 75 s\n"


def test_json_says_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "--json", "--skew", "100ms")
    fields = json.loads(out)
    delayed, at_once = fields.pop("delayed"), fields.pop("at_once")
    assert fields == {"readers": 30, "stores": 2, "ttl_ms": 60_000, "lag_ms": 5_000, "skew_ms": 100, "seed": 1}
    assert (delayed["delay_ms"], delayed["differ"], delayed["strayed"]) == (120_000, 0, [])
    assert delayed["window_ms"] <= 200 < at_once["window_ms"]
    assert {change["revision"] for change in delayed["changes"]} == {2, 3, 4, 6, 7, 9}
    assert at_once["worst"].keys() == {"reader", "instant", "revision", "active", "off_ms", "age_ms"}


def test_the_chart_is_a_picture_and_the_same_each_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pictures = [tmp_path / "one.png", tmp_path / "two.png"]
    for picture in pictures:
        code, _, err = said(capsys, "--chart", str(picture))
        assert (code, err) == (0, f"chart written to {picture}\n")
    first, second = (picture.read_bytes() for picture in pictures)
    assert first.startswith(PNG)
    assert first == second


def test_the_chart_of_readers_without_a_delay_alone_can_be_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, _ = said(capsys, "--delay", "off", "--chart", str(tmp_path / "chart.png"))
    assert code == 0
    assert (tmp_path / "chart.png").read_bytes().startswith(PNG)


def test_a_chart_without_matplotlib_names_the_extra_before_anything_is_done(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, out, err = said(capsys, "--chart", str(tmp_path / "chart.png"))
    assert (code, out) == (2, "")
    assert "install burgee with the extra `chart`" in err


def test_a_chart_in_a_folder_that_is_not_there_is_refused_before_anything_is_done(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = said(capsys, "--chart", str(tmp_path / "none" / "chart.png"))
    assert (code, out) == (2, "")
    assert f"no folder {tmp_path / 'none'}; create it, or name another" in err


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--ttl", "1500ms", "wanted whole seconds, at least one, as heads have them, got '1500ms'"),
        ("--ttl", "0s", "wanted whole seconds, at least one, as heads have them, got '0s'"),
        ("--delay", "soon", "wanted a duration such as 60s, 2m or 1h30m, got 'soon'"),
        ("--skew", "5", "wanted a duration such as 60s, 2m or 1h30m, got '5'"),
        ("--readers", "0", "0 is not in the range"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], option: str, text: str, message: str
) -> None:
    code, out, err = said(capsys, option, text)
    assert (code, out) == (2, "")
    assert message in err
