"""The log: what was active at an instant is what readers served then."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from burgee.bundle.head import active_at
from burgee.bundle.log import starts_at, with_ends
from burgee.core.errors import NotFound
from burgee.fetch.history import History
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.logs import ENVIRONMENT, NOON, Log

PUBLISHES = st.lists(
    st.tuples(st.integers(1, 5000), st.one_of(st.just(0), st.integers(1, 20_000))), min_size=1, max_size=25
)


def a_log_of(publishes: list[tuple[int, int]]) -> Log:
    log, at = Log(), NOON
    for pause, delay in publishes:
        at += pause
        log.add(at, active_after=delay)
    return log.finish()


def served_at(log: Log, instant: int) -> int:
    """What a reader served that saw every head at once; 0 before it served anything."""
    seen = [head for head in log.heads if head.last.release.published_at <= instant]
    active = active_at(seen[-1], instant) if seen else None
    return active.release.revision if active else 0


def instants(log: Log) -> set[int]:
    """Those at which something happens, and those right beside them."""
    releases = [head.last.release for head in log.heads]
    return {
        instant + beside
        for release in releases
        for instant in (release.published_at, release.activates_at)
        for beside in (-1, 0, 1)
    }


@given(PUBLISHES)
def test_the_release_found_is_the_one_that_was_served(publishes: list[tuple[int, int]]) -> None:
    """DESIGN 5.4: the active release at instant t has the highest revision among those with `activates_at` <= t."""
    log = a_log_of(publishes)
    history = History(FaultyFetcher(log.objects), ENVIRONMENT)
    for instant in instants(log):
        try:
            found = history.active_at(instant).release.revision
        except NotFound:
            found = 0
        assert found == served_at(log, instant)


@given(PUBLISHES)
def test_each_release_was_active_from_its_start_to_its_end(publishes: list[tuple[int, int]]) -> None:
    """A release whose end is not after its start was never active."""
    log = a_log_of(publishes)
    history = History(FaultyFetcher(log.objects), ENVIRONMENT)
    spans = {entry.release.revision: (starts_at(entry.release), end) for entry, end in with_ends(history.backwards())}
    for instant in instants(log):
        covering = [revision for revision, (start, end) in spans.items() if start <= instant < (end or instant + 1)]
        assert covering == ([served] if (served := served_at(log, instant)) else [])
