"""The chart: which share of the readers answers a new release, as time goes on, with and without a delay."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from ..core.errors import ConfigurationError
from .answers import CHART_STEP_MS
from .run import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES, _DPI = (10.0, 5.4), 160
# Blue and vermilion stay apart for eyes that see few colours, and in grey.
_DELAYED, _AT_ONCE = "#0072b2", "#d55e00"
_INK, _MUTED, _GRID = "#1f2933", "#5f6c7b", "#e3e8ee"
_LEFT, _WIDTH = 0.088, 0.895
# Seconds that are shown before publishing and after the last change.
_BEFORE, _AFTER = 10.0, 20.0
# So few answers in a step say nothing.
_FEW = 20


def check_charts() -> None:
    """Raises ConfigurationError unless a chart can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        needed = f"a chart needs matplotlib ({error})"
        raise ConfigurationError(f"{needed}: install burgee with the extra `chart`") from error


def chart(outcomes: Sequence[Outcome]) -> bytes:
    """A PNG of outcomes of one scenario with different delays: the same bytes for the same outcomes and matplotlib."""
    from matplotlib import rc_context, rcParamsDefault
    from matplotlib.figure import Figure

    # What the user has set for charts of their own is not for this one.
    with rc_context({name: rcParamsDefault[name] for name in rcParamsDefault if not name.startswith("backend")}):
        figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white")
        _draw(figure, outcomes)
        picture = BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _draw(figure: Figure, outcomes: Sequence[Outcome]) -> None:
    axes = figure.add_axes((_LEFT, 0.115, _WIDTH, 0.69))
    _frame(axes, outcomes)
    for outcome in outcomes:
        _line(axes, outcome)
        _window(axes, outcome)
    figure.text(_LEFT, 0.935, "When readers begin to answer a new release", size=15, weight="bold", color=_INK)
    figure.text(_LEFT, 0.893, _described(outcomes[0]), size=9.5, color=_MUTED)
    figure.legend(
        loc="upper left", bbox_to_anchor=(_LEFT - 0.012, 0.887), ncols=3, frameon=False, fontsize=10, labelcolor=_INK
    )


def _frame(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    last = max(_seconds(outcome, outcome.charted.last or outcome.charted.instant) for outcome in outcomes)
    axes.set_xlim(-_BEFORE, last + _AFTER)
    axes.set_ylim(-3, 103)
    axes.set_yticks(range(0, 101, 25), [f"{percent} %" for percent in range(0, 101, 25)])
    axes.set_xlabel("seconds since the release was published", color=_INK, size=10.5, labelpad=6)
    axes.set_ylabel("share of readers that answer it", color=_INK, size=10.5, labelpad=6)
    axes.tick_params(colors=_MUTED, length=0, labelsize=10)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _line(axes: Axes, outcome: Outcome) -> None:
    delay = outcome.scenario.delay / 1000
    # Without a delay little happens in a second, and there are fewer answers in it.
    steps, color, label = (2, _DELAYED, f"activation delay {delay:g} s") if delay else (6, _AT_ONCE, "no delay")
    shares = _shares(outcome, steps)
    seconds = [(step + 0.5) * steps * CHART_STEP_MS / 1000 for step in shares]
    axes.plot(seconds, list(shares.values()), color=color, linewidth=2.4, solid_joinstyle="round", label=label)


def _shares(outcome: Outcome, steps: int) -> dict[int, float]:
    """The share of answers that have the release, in percent, by steps of the chart taken together."""
    counts: dict[int, tuple[int, int]] = {}
    for step, (asked, new) in outcome.shares.items():
        before = counts.get(step // steps, (0, 0))
        counts[step // steps] = before[0] + asked, before[1] + new
    return {step: 100 * new / asked for step, (asked, new) in sorted(counts.items()) if asked >= _FEW}


def _window(axes: Axes, outcome: Outcome) -> None:
    """What may differ by the clocks alone, shaded; without a delay, the whole time in which readers differ."""
    charted, skew = outcome.charted, outcome.scenario.skew / 1000
    differ = f"readers differ for {charted.window / 1000:.1f} s"
    if outcome.scenario.delay:
        at = _seconds(outcome, charted.instant)
        axes.axvspan(at - skew, at + skew, color=_DELAYED, alpha=0.13, linewidth=0, label=f"clock skew ±{skew:g} s")
        _say(axes, f"{differ},\nby their clocks alone", at - skew - 2, 50, _DELAYED, "right")
        return
    first, last = (_seconds(outcome, instant or charted.instant) for instant in (charted.first, charted.last))
    axes.axvspan(first, last, color=_AT_ONCE, alpha=0.07, linewidth=0)
    _say(axes, differ, (first + last) / 2, 5, _AT_ONCE, "center")


def _seconds(outcome: Outcome, instant: int) -> float:
    return (instant - outcome.charted_at) / 1000


def _say(axes: Axes, text: str, x: float, y: float, color: str, side: str) -> None:
    axes.text(x, y, text, color=color, size=10.5, ha=side, va="center", linespacing=1.35)


def _described(outcome: Outcome) -> str:
    scenario = outcome.scenario
    return (
        f"of {scenario.readers:,} readers those whose last look is at most {scenario.fresh / 1000:g} s old; "
        f"{scenario.stores} stores, TTL {scenario.ttl / 1000:g} s, lag up to {scenario.lag / 1000:g} s, "
        f"start-ups, freezes, outages (seed {scenario.seed})"
    )
