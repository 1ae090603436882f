"""How many requests a reader makes of its store in an hour, on virtual time: what a bucket's bill is made of."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from random import Random

import pytest

from burgee.bundle import keys
from burgee.bundle.index import Index, Listed
from burgee.core.errors import Unavailable
from burgee.fetch.environments import Environments
from burgee.fetch.live import JITTER, Live
from tests.fakes.publisher import a_document
from tests.fakes.scene import HEAD, Scene

HOUR_MS = 3_600_000
SECOND_MS = 1_000
TTLS = (1_000, 10_000, 60_000)
FIRST = a_document(enabled=True)
EARLIEST = 0.999_999


def always(number: float) -> Callable[[], float]:
    return lambda: number


def a_scene(ttl_ms: int, random: Callable[[], float]) -> Scene:
    """A store with one release of two namespaces, which nobody has read yet."""
    scene = Scene(ttl_ms=ttl_ms, random=random)
    scene.store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    scene.publish(FIRST, a_document("beta"))
    return scene


def ask_for_an_hour(scene: Scene, live: Callable[[], Live], *, every_ms: int) -> None:
    """Begin to answer requests now, one after the other, until an hour has passed."""
    for _ in range(0, HOUR_MS, every_ms):
        live().current()
        scene.clock.advance(every_ms)


def the_environment(scene: Scene, ttl_ms: int, random: Callable[[], float]) -> Callable[[], Live]:
    """The default environment, found by the index as a function finds it for each request."""
    environments = Environments(scene.fetcher, ttl_ms=ttl_ms, clock=scene.clock, random=random)
    return lambda: environments.live(environments.default() or "")


def documents(scene: Scene) -> int:
    return sum(key.startswith("blobs/") for key in scene.fetcher.calls)


# Traffic that never pauses


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_under_steady_traffic_the_head_is_asked_for_once_per_ttl(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, always(0.0))
    ask_for_an_hour(scene, lambda: scene.live, every_ms=SECOND_MS)
    assert scene.asked(HEAD) == HOUR_MS // ttl_ms
    assert documents(scene) == 2
    assert len(scene.fetcher.calls) == HOUR_MS // ttl_ms + 2


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_jitter_adds_a_ninth_at_the_most(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, always(EARLIEST))
    ask_for_an_hour(scene, lambda: scene.live, every_ms=10)
    assert HOUR_MS // ttl_ms < scene.asked(HEAD) <= ceil(HOUR_MS / (ttl_ms * (1 - JITTER)))


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_with_jitter_as_it_comes_the_requests_are_between_those_bounds(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, Random(7).random)
    ask_for_an_hour(scene, lambda: scene.live, every_ms=SECOND_MS)
    assert HOUR_MS // ttl_ms <= scene.asked(HEAD) <= ceil(HOUR_MS / (ttl_ms * (1 - JITTER)))


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_finding_the_environment_by_the_index_costs_one_more_request_per_ttl(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, always(0.0))
    ask_for_an_hour(scene, the_environment(scene, ttl_ms, always(0.0)), every_ms=SECOND_MS)
    assert scene.asked(keys.INDEX) == scene.asked(HEAD) == HOUR_MS // ttl_ms
    assert len(scene.fetcher.calls) == 2 * HOUR_MS // ttl_ms + 2


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_a_reader_of_one_environment_never_asks_for_the_index(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, always(0.0))
    only = Environments(scene.fetcher, ttl_ms=ttl_ms, clock=scene.clock, random=always(0.0), only="staging")
    ask_for_an_hour(scene, lambda: only.live("staging"), every_ms=SECOND_MS)
    assert scene.asked(keys.INDEX) == 0
    assert len(scene.fetcher.calls) == HOUR_MS // ttl_ms + 2


@pytest.mark.parametrize("every_ms", [10, 100, 1_000])
def test_the_rate_of_requests_makes_no_difference(every_ms: int) -> None:
    scene = a_scene(10_000, always(0.0))
    ask_for_an_hour(scene, lambda: scene.live, every_ms=every_ms)
    assert len(scene.fetcher.calls) == 360 + 2


# Traffic that pauses


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_under_sparse_traffic_no_request_causes_more_than_one_look(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, Random(7).random)
    ask_for_an_hour(scene, the_environment(scene, ttl_ms, Random(7).random), every_ms=5 * 60_000)
    assert scene.asked(HEAD) == scene.asked(keys.INDEX) == 12
    assert documents(scene) == 2


def test_an_instance_that_nobody_asks_makes_no_requests() -> None:
    scene = a_scene(1_000, always(0.0))
    scene.live.current()
    before = len(scene.fetcher.calls)
    scene.clock.advance(HOUR_MS)
    scene.live.present()
    assert len(scene.fetcher.calls) == before


def test_a_function_that_was_frozen_looks_once_when_it_wakes() -> None:
    scene = a_scene(1_000, always(0.0))
    scene.live.current()
    scene.clock.step_wall(HOUR_MS)
    for _ in range(100):
        scene.live.current()
    assert scene.asked(HEAD) == 2


# Releases, and faults


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_a_release_costs_the_documents_that_it_changes_and_nothing_more(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, always(0.0))
    for turn in range(6):
        for _ in range(0, HOUR_MS // 6, SECOND_MS):
            scene.live.current()
            scene.clock.advance(SECOND_MS)
        # The namespace `beta` stays what it was.
        scene.publish(a_document(enabled=turn % 2 == 1), a_document("beta"))
    assert scene.asked(HEAD) == HOUR_MS // ttl_ms
    assert documents(scene) == 2 + 5


@pytest.mark.parametrize("ttl_ms", TTLS)
def test_a_head_without_etags_costs_no_more_requests(ttl_ms: int) -> None:
    scene = a_scene(ttl_ms, always(0.0))
    scene.fetcher.gives_etags = False
    ask_for_an_hour(scene, lambda: scene.live, every_ms=SECOND_MS)
    assert len(scene.fetcher.calls) == HOUR_MS // ttl_ms + 2


@pytest.mark.parametrize(("ttl_ms", "requests"), [(1_000, 3_600), (10_000, 363), (60_000, 65)])
def test_an_outage_of_an_hour_costs_few_requests_more_than_an_hour_without(ttl_ms: int, requests: int) -> None:
    scene = a_scene(ttl_ms, always(0.0))
    scene.live.current()
    scene.clock.advance(ttl_ms)
    scene.fetcher.calls.clear()
    scene.fetcher.faults[HEAD] = Unavailable("the store sleeps")
    ask_for_an_hour(scene, lambda: scene.live, every_ms=SECOND_MS)
    assert len(scene.fetcher.calls) == requests


def test_a_bound_that_the_head_publishes_is_what_the_requests_follow() -> None:
    scene = Scene(ttl_ms=HOUR_MS, random=always(0.0))
    scene.publish(FIRST, max_reader_ttl_seconds=60)
    ask_for_an_hour(scene, lambda: scene.live, every_ms=SECOND_MS)
    assert scene.asked(HEAD) == 60
