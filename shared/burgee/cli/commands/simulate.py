"""`burgee simulate`: how far readers flip together, on virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...author.durations import parse_duration
from ...core.instant import format_instant
from ...simulate.answers import Change, Strayed
from ...simulate.chart import chart, check_charts
from ...simulate.run import Outcome, simulate
from ...simulate.scenario import Scenario
from ..options import example, json_option
from ..output import complain, note, progress, show_json, show_table

_SECOND = 1000


def _duration(context: click.Context, option: click.Parameter, text: str) -> int:
    """Milliseconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {text!r}", context, option) from error


def _ttl(context: click.Context, option: click.Parameter, text: str) -> int:
    ttl = _duration(context, option, text)
    if ttl < _SECOND or ttl % _SECOND:
        raise click.BadParameter(f"wanted whole seconds, at least one, as heads have them, got {text!r}")
    return ttl


def _believed(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    return None if text is None else _duration(context, option, text)


def _delay(context: click.Context, option: click.Parameter, text: str) -> int:
    return 0 if text == "off" else _duration(context, option, text)


@click.command("simulate", epilog=example("burgee simulate --readers 500"))
@click.option("--readers", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000), help="How many.")
@click.option("--stores", default=4, show_default=True, type=click.IntRange(1, 100), help="A primary and its mirrors.")
@click.option(
    "--ttl",
    default="60s",
    show_default=True,
    metavar="DURATION",
    callback=_ttl,
    help="How long readers go without a look at most (max_reader_ttl).",
)
@click.option(
    "--delay",
    default="2m",
    show_default=True,
    metavar="DURATION",
    callback=_delay,
    help="How long after its publishing a release becomes active (activation_delay); off: only at once.",
)
@click.option(
    "--lag",
    default="5s",
    show_default=True,
    metavar="DURATION",
    callback=_duration,
    help="How long a head takes until every store shows it, at most.",
)
@click.option(
    "--skew",
    default="5s",
    show_default=True,
    metavar="DURATION",
    callback=_duration,
    help="How far a clock is from the right time, at most (clock_skew).",
)
@click.option(
    "--believed-ttl",
    metavar="DURATION",
    callback=_believed,
    help="What publishing takes for the TTL; a shorter one shows how the promise breaks.",
)
@click.option("--seed", default=1, show_default=True, help="Chance: the same seed comes to the same.")
@click.option("--chart", "file", metavar="FILE.png", type=click.Path(dir_okay=False), help="Draw a chart, too.")
@json_option
def command(
    readers: int,
    stores: int,
    ttl: int,
    delay: int,
    lag: int,
    skew: int,
    believed_ttl: int | None,
    seed: int,
    file: str | None,
    as_json: bool,
) -> None:
    """Let thousands of readers live through a row of releases on virtual time, and check every answer.

    Readers and publishing are the real ones. Clocks are wrong, stores fail and are away for minutes, readers are frozen
    and start at the worst moments. While a reader's last look at the store is younger than TTL and lag, it has to
    answer the release that is active, but for the time around the change by which clocks may differ. All of it is done
    twice, with the delay and without one. Exits with 1 if an answer with the delay breaks that promise.

    With --json: {readers, stores, ttl_ms, lag_ms, skew_ms, seed, delayed, at_once}, where the last two are null or
    {delay_ms, fresh, stale, refused, differ, window_ms, worst, changes: [{revision, activates_at, window_ms}], strayed:
    [{reader, instant, revision, active, off_ms, age_ms}]}.
    """
    if file:
        _check_chart(Path(file))
    scenario = Scenario(readers, stores, ttl, delay, lag, skew, seed, believed_ttl)
    outcomes = list(_outcomes(scenario))
    if as_json:
        show_json(_fields(scenario, outcomes))
    else:
        _show(scenario, outcomes)
    if file:
        Path(file).write_bytes(chart(outcomes))
        note(f"chart written to {file}")
    if any(_broken(outcome) for outcome in outcomes):
        raise click.exceptions.Exit(1)


def _check_chart(path: Path) -> None:
    """A minute before there is something to draw."""
    check_charts()
    if not path.parent.is_dir():
        raise click.BadParameter(f"no folder {path.parent}; create it, or name another", param_hint="--chart")


def _outcomes(scenario: Scenario) -> Iterator[Outcome]:
    """Without a delay, then with one, unless there is none."""
    for each in dict.fromkeys((replace(scenario, delay=0), scenario)):
        said = f"of {each.readers:,} readers {'with the delay' if each.delay else 'without a delay'}"
        with progress() as show:
            yield simulate(each, progress=_telling(show, said))


def _telling(show: Callable[[str], None], said: str) -> Callable[[int], None]:
    return lambda lived: show(f"{lived:,} {said}")


def _broken(outcome: Outcome) -> bool:
    """Without a delay nothing is promised."""
    return bool(outcome.scenario.delay and outcome.strayed_count)


def _show(scenario: Scenario, outcomes: Sequence[Outcome]) -> None:
    click.echo(
        f"{scenario.readers:,} readers of {scenario.stores} {'store' if scenario.stores == 1 else 'stores'}, "
        f"TTL {_text(scenario.ttl)}, lag up to {_text(scenario.lag)}, clocks within {_text(scenario.skew)}, "
        f"seed {scenario.seed}"
    )
    titles = ("DELAY", "FRESH ANSWERS", "STALE ANSWERS", "NOT READY", "DIFFER", "WINDOW", "WORST")
    show_table(titles, [_row(outcome) for outcome in outcomes])
    charted = outcomes[-1].charted.instant - outcomes[-1].charted_at
    if scenario.delay != charted:
        note(f"a delay of {_text(scenario.delay)} is too near for readers to be ready; shifted to {_text(charted)}")
    for outcome in filter(_broken, outcomes):
        for strayed in outcome.strayed:
            complain(_sentence(strayed, scenario.seed))
        if outcome.strayed_count > len(outcome.strayed):
            complain(f"and {outcome.strayed_count - len(outcome.strayed):,} more")


def _row(outcome: Outcome) -> tuple[str, ...]:
    worst = outcome.worst
    return (
        _text(outcome.scenario.delay) if outcome.scenario.delay else "off",
        f"{outcome.fresh:,}",
        f"{outcome.stale:,}",
        f"{outcome.refused:,}",
        f"{outcome.strayed_count:,}",
        f"{outcome.window:,} ms",
        "-" if worst is None else f"reader {worst.reader}, {_side(worst)}",
    )


def _sentence(strayed: Strayed, seed: int) -> str:
    age = "of unknown age" if strayed.age is None else f"whose last look is {strayed.age:,} ms old"
    return (
        f"reader {strayed.reader} of seed {seed}, {age}, answers release {strayed.revision} at "
        f"{format_instant(strayed.instant)}, {_side(strayed)}; release {strayed.active} is active"
    )


def _side(strayed: Strayed) -> str:
    return f"{abs(strayed.off):,} ms {'before' if strayed.off < 0 else 'after'} the change"


def _text(milliseconds: int) -> str:
    return f"{milliseconds / _SECOND:g} s"


def _fields(scenario: Scenario, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    said = {bool(outcome.scenario.delay): _outcome_fields(outcome) for outcome in outcomes}
    return {
        "readers": scenario.readers,
        "stores": scenario.stores,
        "ttl_ms": scenario.ttl,
        "lag_ms": scenario.lag,
        "skew_ms": scenario.skew,
        "seed": scenario.seed,
        "delayed": said.get(True),
        "at_once": said.get(False),
    }


def _outcome_fields(outcome: Outcome) -> dict[str, Any]:
    return {
        "delay_ms": outcome.scenario.delay,
        "fresh": outcome.fresh,
        "stale": outcome.stale,
        "refused": outcome.refused,
        "differ": outcome.strayed_count,
        "window_ms": outcome.window,
        "worst": outcome.worst and _strayed_fields(outcome.worst),
        "changes": [_change_fields(change) for change in outcome.changes],
        "strayed": [_strayed_fields(strayed) for strayed in outcome.strayed],
    }


def _change_fields(change: Change) -> dict[str, Any]:
    instant = format_instant(change.instant)
    return {"revision": change.revision, "activates_at": instant, "window_ms": change.window}


def _strayed_fields(strayed: Strayed) -> dict[str, Any]:
    return {
        "reader": strayed.reader,
        "instant": format_instant(strayed.instant),
        "revision": strayed.revision,
        "active": strayed.active,
        "off_ms": strayed.off,
        "age_ms": strayed.age,
    }
