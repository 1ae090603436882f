"""What the OpenFeature provider tells as time goes by, over a store that comes and goes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode, ProviderNotReadyError
from openfeature.flag_evaluation import Reason
from openfeature.provider import ProviderStatus

import burgee
from burgee.client import Client, openfeature
from burgee.client.openfeature import BurgeeProvider
from burgee.core.errors import Unavailable
from burgee.store.file import FileObjects
from tests.builders import a_boolean_flag, a_flag, a_variant
from tests.fakes.fetcher import FaultyFetcher
from tests.places import ENVIRONMENT, Place

pytestmark = pytest.mark.integration

READY, STALE, ERROR, CHANGED = (
    ProviderEvent.PROVIDER_READY,
    ProviderEvent.PROVIDER_STALE,
    ProviderEvent.PROVIDER_ERROR,
    ProviderEvent.PROVIDER_CONFIGURATION_CHANGED,
)
PATIENCE_SECONDS = 20.0
# In seconds: answers are stale when they are twice as old.
TTL = 0.2
ON, OFF = a_boolean_flag("on", enabled=True), a_boolean_flag("on")


class Heard:
    """Events by kind, as handlers of the API get them."""

    def __init__(self) -> None:
        self._queues: dict[ProviderEvent, SimpleQueue[EventDetails]] = {event: SimpleQueue() for event in ProviderEvent}
        for event in ProviderEvent:
            api.add_handler(event, partial(self._hear, event))

    def next(self, event: ProviderEvent) -> EventDetails:
        """The next event of a kind, waited for."""
        return self._queues[event].get(timeout=PATIENCE_SECONDS)

    def none(self, event: ProviderEvent) -> bool:
        """Whether there is no event of a kind that was not asked for yet."""
        return self._queues[event].empty()

    def _hear(self, event: ProviderEvent, details: EventDetails) -> None:
        # The SDK's own provider, which is there before and after, is ready at all times.
        if details.provider_name == "burgee":
            self._queues[event].put(details)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "store")


@pytest.fixture
def heard() -> Iterator[Heard]:
    yield Heard()
    api.shutdown()


def a_provider(place: Place, **options: Any) -> BurgeeProvider:
    return BurgeeProvider(place.url, environment=ENVIRONMENT, **{"ttl": TTL, **options})


def test_a_store_that_answers_makes_a_provider_ready(place: Place, heard: Heard) -> None:
    place.publish(ON)
    api.set_provider(a_provider(place))
    assert heard.next(READY).provider_name == "burgee"
    assert api.get_client().get_provider_status() is ProviderStatus.READY
    assert heard.none(CHANGED)


def test_a_store_that_does_not_answer_is_an_error_until_it_does(place: Place, heard: Heard) -> None:
    api.set_provider(a_provider(place))
    error = heard.next(ERROR)
    assert error.error_code is ErrorCode.PROVIDER_NOT_READY
    assert "production" in str(error.message)
    client = api.get_client()
    assert client.get_provider_status() is ProviderStatus.ERROR
    assert client.get_boolean_details("on", False).error_code is ErrorCode.PROVIDER_NOT_READY
    place.publish(ON)
    heard.next(READY)
    assert client.get_provider_status() is ProviderStatus.READY
    assert client.get_boolean_value("on", False) is True
    assert heard.none(CHANGED)


def test_initialize_waits_for_no_longer_than_it_was_told_to(place: Place) -> None:
    place.publish(ON)
    fetcher, held = FaultyFetcher(_objects(place)), threading.Event()
    fetcher.pause = lambda key: held.wait(PATIENCE_SECONDS)
    began = monotonic()
    provider = BurgeeProvider("", environment=ENVIRONMENT, fetcher=fetcher, start_timeout=0.2)
    with pytest.raises(ProviderNotReadyError, match="has not answered"):
        api.set_provider_and_wait(provider)
    assert monotonic() - began < PATIENCE_SECONDS / 2
    heard = Heard()
    held.set()
    heard.next(READY)
    api.shutdown()


def test_a_lost_store_makes_a_provider_stale_and_a_found_one_ready_again(place: Place, heard: Heard) -> None:
    place.publish(ON)
    api.set_provider_and_wait(a_provider(place))
    client = api.get_client()
    heard.next(READY)
    place.lose()
    stale = heard.next(STALE)
    assert ENVIRONMENT in str(stale.message)
    assert client.get_provider_status() is ProviderStatus.STALE
    found = client.get_boolean_details("on", False)
    assert (found.value, found.reason, found.flag_metadata["reason"]) == (True, Reason.STALE, "STATIC")
    place.restore()
    heard.next(READY)
    assert client.get_provider_status() is ProviderStatus.READY
    found = client.get_boolean_details("on", False)
    assert (found.value, found.reason) == (True, Reason.STATIC)
    assert "reason" not in found.flag_metadata
    assert heard.none(ERROR)


def test_a_store_that_hangs_makes_a_provider_stale_too(place: Place, heard: Heard) -> None:
    place.publish(ON)
    fetcher, going_on = FaultyFetcher(_objects(place)), threading.Event()
    with Client(environment=ENVIRONMENT, fetcher=fetcher, ttl=TTL, refresh="background") as client:
        api.set_provider_and_wait(BurgeeProvider(client))
        heard.next(READY)
        fetcher.pause = lambda key: going_on.wait(PATIENCE_SECONDS)
        heard.next(STALE)
        going_on.set()
        heard.next(READY)


@pytest.mark.parametrize("at_the_beginning", [False, True])
def test_stale_is_told_once_and_at_the_beginning_once_more_at_every_look(
    place: Place, heard: Heard, monkeypatch: pytest.MonkeyPatch, at_the_beginning: bool
) -> None:
    # The SDK tells that `initialize` is over after it, and so perhaps after what the provider has told since.
    monkeypatch.setattr(openfeature, "_SETTLING_SECONDS", 1000.0 if at_the_beginning else 0.0)
    place.publish(ON)
    fetcher, failed = FaultyFetcher(_objects(place)), threading.Semaphore(0)
    with Client(environment=ENVIRONMENT, fetcher=fetcher, ttl=TTL, refresh="background") as client:
        api.set_provider_and_wait(BurgeeProvider(client))
        fetcher.pause = lambda key: failed.release()
        fetcher.faults["environments/"] = Unavailable("the network is down")
        assert heard.next(STALE).message == "the network is down"
        for _ in range(3):
            assert failed.acquire(timeout=PATIENCE_SECONDS)
        assert heard.none(STALE) is not at_the_beginning


def test_a_release_is_told_with_the_flags_it_changes_and_answered_from(place: Place, heard: Heard) -> None:
    steady = a_boolean_flag("steady", enabled=True)
    place.publish(ON, steady)
    api.set_provider_and_wait(a_provider(place))
    client = api.get_client()
    assert client.get_boolean_value("on", False) is True
    release = place.publish(OFF, steady)
    changed = heard.next(CHANGED)
    assert changed.flags_changed == ["on"]
    assert changed.metadata == {"environment": ENVIRONMENT, "revision": 2, "digest": release.bundle}
    found = client.get_boolean_details("on", True)
    assert (found.value, found.flag_metadata["revision"]) == (False, 2)
    assert client.get_provider_status() is ProviderStatus.READY


def test_what_changes_in_other_namespaces_is_not_told(place: Place, heard: Heard) -> None:
    place.publish(ON, beside={"mobile": [a_boolean_flag("tap")]})
    api.set_provider_and_wait(a_provider(place, namespace="mobile"))
    place.publish(OFF, beside={"mobile": [a_boolean_flag("tap")]})
    place.publish(OFF, beside={"mobile": [a_boolean_flag("tap", enabled=True)]})
    assert heard.next(CHANGED).flags_changed == ["tap"]
    assert heard.none(CHANGED)


def test_the_hooks_of_a_user_are_called_beside_those_of_the_provider(place: Place, heard: Heard) -> None:
    place.publish(ON)
    changes: SimpleQueue[Any] = SimpleQueue()
    exposures: SimpleQueue[Any] = SimpleQueue()
    hooks = {"on_change": changes.put, "on_exposure": lambda *exposure: exposures.put(exposure)}
    api.set_provider_and_wait(a_provider(place, **hooks))
    assert changes.get(timeout=PATIENCE_SECONDS).before is None
    place.publish(OFF)
    assert changes.get(timeout=PATIENCE_SECONDS).flags == {"default": ("on",)}
    heard.next(CHANGED)
    api.get_client().get_boolean_value("on", True, EvaluationContext("ada", {"plan": "pro", "cart": [1]}))
    result, entity, context = exposures.get(timeout=PATIENCE_SECONDS)
    assert (result.flag_key, entity, context) == ("on", "ada", {"plan": "pro", "targetingKey": "ada"})


def test_a_client_that_was_given_outlives_its_provider(place: Place, heard: Heard) -> None:
    place.publish(ON)
    told: SimpleQueue[Any] = SimpleQueue()
    with Client(place.url, environment=ENVIRONMENT, ttl=TTL, refresh="background", on_change=told.put) as client:
        for _ in range(2):
            provider = BurgeeProvider(client)
            api.set_provider_and_wait(provider, "shop")
            heard.next(READY)
            assert api.get_client("shop").get_boolean_value("on", False) is True
            provider.shutdown()
        assert told.get(timeout=PATIENCE_SECONDS).after == 1
        place.publish(OFF)
        assert told.get(timeout=PATIENCE_SECONDS).after == 2
        assert client.boolean("on", "ada").enabled is False
        assert heard.none(CHANGED)


def test_a_lazy_client_tells_what_it_finds_out_when_it_is_asked(place: Place, heard: Heard) -> None:
    place.publish(ON)
    api.set_provider_and_wait(a_provider(place, refresh="lazy"))
    heard.next(READY)
    place.publish(OFF)
    client, deadline = api.get_client(), monotonic() + PATIENCE_SECONDS
    while client.get_boolean_value("on", True) and monotonic() < deadline:
        # Bounded, and nothing to wait for: a look happens because somebody asks.
        threading.Event().wait(0.01)
    assert heard.next(CHANGED).flags_changed == ["on"]


def test_a_release_kept_on_disk_is_ready_and_told_to_be_stale(place: Place, heard: Heard, tmp_path: Path) -> None:
    place.publish(ON)
    kept = str(tmp_path / "kept")
    with Client(place.url, environment=ENVIRONMENT, disk=kept):
        pass
    place.lose()
    api.set_provider_and_wait(a_provider(place, disk=kept))
    heard.next(READY)
    found = api.get_client().get_boolean_details("on", False)
    assert (found.value, found.reason) == (True, Reason.STALE)
    heard.next(STALE)
    place.restore()
    heard.next(READY)
    assert api.get_client().get_boolean_details("on", False).reason == Reason.STATIC


def test_after_shutdown_no_thread_looks_at_the_store(place: Place) -> None:
    place.publish(ON)
    looked: SimpleQueue[str] = SimpleQueue()
    fetcher = FaultyFetcher(_objects(place))
    fetcher.pause = looked.put
    api.set_provider_and_wait(BurgeeProvider("", environment=ENVIRONMENT, fetcher=fetcher, ttl=TTL))
    for _ in range(4):
        looked.get(timeout=PATIENCE_SECONDS)
    api.shutdown()
    assert api.get_client().provider.get_metadata().name != "burgee"
    # Some looks may not have been counted yet; then, for several times the TTL, there is no other.
    with pytest.raises(Empty):
        for _ in range(20):
            looked.get(timeout=5 * TTL)


def test_a_shutdown_while_the_store_is_looked_at_is_final(place: Place) -> None:
    place.publish(ON)
    fetcher, looked, going_on = FaultyFetcher(_objects(place)), threading.Semaphore(0), threading.Event()

    def pause(key: str) -> None:
        looked.release()
        going_on.wait(PATIENCE_SECONDS)

    fetcher.pause = pause
    provider = BurgeeProvider("", environment=ENVIRONMENT, fetcher=fetcher, ttl=TTL)
    faults: SimpleQueue[str] = SimpleQueue()

    def initialize() -> None:
        try:
            provider.initialize(EvaluationContext())
        except ProviderNotReadyError as error:
            faults.put(str(error))

    thread = threading.Thread(target=initialize)
    thread.start()
    assert looked.acquire(timeout=PATIENCE_SECONDS)
    provider.shutdown()
    going_on.set()
    assert "shut down" in faults.get(timeout=PATIENCE_SECONDS)
    thread.join(PATIENCE_SECONDS)
    assert provider.resolve_boolean_details("on", False).error_code is ErrorCode.PROVIDER_NOT_READY
    # What was under way ends; nobody looks again.
    assert not all(looked.acquire(timeout=5 * TTL) for _ in range(20))


def test_many_threads_and_a_loop_ask_while_releases_come(place: Place, heard: Heard) -> None:
    def of(number: int) -> Any:
        return a_flag("which", variants=[a_variant("a", number, default=True)])

    place.publish(of(1))
    api.set_provider_and_wait(a_provider(place, ttl=0.05))
    client, done = api.get_client(), threading.Event()
    wrong: list[Any] = []

    def ask() -> None:
        while not done.is_set():
            found = client.get_integer_details("which", 0)
            if found.error_code or found.value != found.flag_metadata["revision"]:
                wrong.append(found)

    async def ask_in_loop() -> None:
        while not done.is_set():
            found = await client.get_integer_details_async("which", 0)
            if found.error_code or found.value != found.flag_metadata["revision"]:
                wrong.append(found)
            await asyncio.sleep(0)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads.append(threading.Thread(target=lambda: asyncio.run(ask_in_loop())))
    for thread in threads:
        thread.start()
    try:
        for number in range(2, 8):
            place.publish(of(number))
            assert heard.next(CHANGED).metadata["revision"] == number
            assert client.get_integer_value("which", 0) == number
    finally:
        done.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
    assert wrong == []


def test_without_the_sdk_the_extra_is_named_and_the_client_works() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(Path(burgee.__file__).parent.parent)!r})\n"
        "import burgee.client\n"
        "try:\n    import burgee.client.openfeature\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "the OpenFeature provider needs openfeature-sdk: install burgee with the extra `openfeature`\n"


def _objects(place: Place) -> FileObjects:
    return FileObjects(Path(place.url.removeprefix("file://")))
