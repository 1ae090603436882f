"""When the client looks at its store and what it answers meanwhile, on virtual time and with a store that fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import append, encode_head
from burgee.bundle.index import Listed, encode_index
from burgee.client import Client
from burgee.core.errors import BurgeeError, DigestMismatch, InvalidDocument, NotReady, Unavailable
from burgee.fetch.fallbacks import REST_MS, SLOW_MS, Fallbacks
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.fakes.clients import SECONDS, ClientScene, hanging, looked
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import a_document, a_release, publish
from tests.fakes.scene import HEAD, TTL_MS

ON = a_document(enabled=True)
OFF = a_document(enabled=False)
BETA = a_document("beta", enabled=True)
BETA_OFF = a_document("beta", enabled=False)
OUTAGE = Unavailable("the store sleeps")
HOUR_MS = 3_600_000


@pytest.fixture
def scene() -> ClientScene:
    made = ClientScene()
    made.publish(ON, BETA)
    return made


@pytest.fixture
def client(scene: ClientScene) -> Client:
    return scene.client()


def is_on(client: Client) -> bool:
    return bool(client.boolean("on", "user-1"))


# A look per TTL, beside the evaluations


def test_nothing_is_looked_at_before_the_ttl_is_over(scene: ClientScene, client: Client) -> None:
    for _ in range(53):
        scene.clock.advance(1_000)
        assert is_on(client)
    assert scene.asked() == 1


def test_an_evaluation_that_finds_a_look_due_answers_from_what_there_is(scene: ClientScene, client: Client) -> None:
    scene.publish(OFF, BETA)
    scene.clock.advance(TTL_MS)
    with hanging(scene.fetcher) as store:
        assert is_on(client)
        store.wait_until_asked()
        assert [is_on(client) for _ in range(100)] == [True] * 100
    looked(client)
    assert not is_on(client)
    assert scene.asked() == 2


def test_one_look_is_made_however_many_ask(scene: ClientScene, client: Client) -> None:
    scene.clock.advance(TTL_MS)
    with hanging(scene.fetcher), ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: is_on(client), range(400))) == [True] * 400
    looked(client)
    assert scene.asked() == 2


def test_the_head_can_shorten_the_ttl(scene: ClientScene) -> None:
    scene.publish(ON, max_reader_ttl_seconds=10)
    client = scene.client()
    scene.clock.advance(10_000)
    is_on(client)
    looked(client)
    assert scene.asked() == 2


# A look that is asked for


def test_after_refresh_every_namespace_answers_from_what_was_published_before(
    scene: ClientScene, client: Client
) -> None:
    beta = client.namespace("beta")
    for revision in range(2, 102):
        scene.publish(*((ON, BETA_OFF) if revision % 2 else (OFF, BETA)))
        client.refresh()
        answers = client.boolean("on", "x"), beta.boolean("on", "x")
        assert [(bool(answer), answer.revision) for answer in answers] == [
            (revision % 2 == 1, revision),
            (revision % 2 == 0, revision),
        ]


def test_refresh_looks_again_when_the_look_under_way_may_have_missed_what_was_published(
    scene: ClientScene, client: Client
) -> None:
    scene.publish(OFF, BETA)
    scene.clock.advance(TTL_MS)
    with hanging(scene.fetcher, "blobs/") as store, ThreadPoolExecutor(1) as pool:
        is_on(client)
        store.wait_until_asked()
        third = scene.publish(ON, BETA_OFF).revision
        refreshed = pool.submit(client.refresh, SECONDS)
        assert not refreshed.done()
        store.go()
        refreshed.result(SECONDS)
    assert client.boolean("on", "x").revision == third == 3


def test_refresh_raises_what_went_wrong_and_the_last_good_goes_on(scene: ClientScene, client: Client) -> None:
    scene.fetcher.faults[HEAD] = OUTAGE
    with pytest.raises(Unavailable, match="the store sleeps"):
        client.refresh()
    assert is_on(client)
    scene.fetcher.faults[HEAD] = RuntimeError("a bug")
    with pytest.raises(NotReady, match="RuntimeError: a bug"):
        client.refresh()
    assert is_on(client)


def test_refresh_waits_for_a_hanging_store_for_no_longer_than_it_may(scene: ClientScene, client: Client) -> None:
    scene.publish(OFF, BETA)
    with hanging(scene.fetcher):
        for timeout in (0, 0.02, -1):
            with pytest.raises(Unavailable, match="the store of 'staging' has not answered in time"):
                client.refresh(timeout)
        assert is_on(client)
    client.refresh()
    assert not is_on(client)


def test_a_thread_that_dies_in_a_look_leaves_the_next_to_another(scene: ClientScene, client: Client) -> None:
    def die(key: str) -> None:
        raise SystemExit

    scene.fetcher.pause = die
    with pytest.raises(NotReady, match="broke off"):
        client.refresh()
    scene.fetcher.pause = None
    scene.publish(OFF, BETA)
    client.refresh()
    assert not is_on(client)


# What a store must not make us answer


def test_an_older_head_is_refused(scene: ClientScene, client: Client) -> None:
    first = scene.objects.get(HEAD).content
    scene.publish(OFF, BETA)
    client.refresh()
    scene.fetcher.contents[HEAD] = first
    with pytest.raises(InvalidDocument, match="went back from revision 2 to 1"):
        client.refresh()
    assert client.boolean("on", "x").revision == 2
    assert "went back" in str(client.status().last_error)


def test_another_release_of_the_same_number_is_refused(scene: ClientScene, client: Client) -> None:
    forged = a_release(None, {"default": OFF}, at=scene.clock.wall(), environment="staging")
    scene.store.put_blob(OFF)
    scene.fetcher.contents[HEAD] = encode_head(append(None, forged, max_reader_ttl_seconds=60))
    with pytest.raises(InvalidDocument, match="another release 1 than before"):
        client.refresh()
    assert is_on(client)


def test_a_document_with_another_digest_is_refused(scene: ClientScene, client: Client) -> None:
    scene.publish(OFF, BETA)
    scene.corrupt(OFF)
    with pytest.raises(DigestMismatch):
        client.refresh()
    assert client.boolean("on", "x").revision == 1
    scene.fetcher.contents.clear()
    client.refresh()
    assert client.boolean("on", "x").revision == 2


# An outage


def test_through_an_outage_the_last_good_answers_and_says_so_when_it_is_older_than_wanted(
    scene: ClientScene, client: Client
) -> None:
    scene.fetcher.faults[HEAD] = OUTAGE
    stale = []
    for _ in range(130):
        result = client.boolean("on", "user-1")
        assert (result.enabled, result.revision) == (True, 1)
        stale.append(result.stale)
        client.catch_up(SECONDS)
        assert client.status().stale == result.stale
        scene.clock.advance(1_000)
    # Older than two TTLs of a minute each.
    assert stale == [False] * 121 + [True] * 9


def test_staleness_begins_to_the_millisecond_and_ends_with_the_first_look_that_succeeds(
    scene: ClientScene, client: Client
) -> None:
    scene.fetcher.faults[HEAD] = OUTAGE
    scene.clock.advance(2 * TTL_MS)
    is_on(client)
    client.catch_up(SECONDS)
    assert client.boolean("on", "x").stale is False
    scene.clock.advance(1)
    assert client.boolean("on", "x").stale is True
    scene.fetcher.faults.clear()
    client.refresh()
    assert client.boolean("on", "x").stale is False
    assert (client.status().stale, client.status().last_error, client.status().age_ms) == (False, None, 0)


def test_whatever_answers_while_stale_says_so_and_is_the_same_otherwise(scene: ClientScene, client: Client) -> None:
    before = client.boolean("on", "x"), client.evaluate("on", "x"), client.evaluate_all("x")["on"]
    scene.fetcher.faults[HEAD] = OUTAGE
    scene.clock.advance(3 * TTL_MS)
    beta = client.namespace("beta").boolean("on", "x")
    after = client.boolean("on", "x"), client.evaluate("on", "x"), client.evaluate_all("x")["on"]
    assert after == tuple(result._replace(stale=True) for result in before)
    assert beta.stale is True


def test_a_failed_look_is_tried_again_after_a_second_and_ever_later_up_to_the_ttl(
    scene: ClientScene, client: Client
) -> None:
    scene.fetcher.faults[HEAD] = OUTAGE
    scene.clock.advance(TTL_MS)
    for _ in range(600):
        is_on(client)
        client.catch_up(SECONDS)
        scene.clock.advance(1_000)
    # 1, 2, 4, 8, 16, 32 seconds, then every minute or up to a tenth sooner.
    assert 15 <= scene.asked() - 1 <= 18


# Clocks


def test_a_process_that_was_frozen_says_that_it_is_stale_and_looks(scene: ClientScene, client: Client) -> None:
    scene.publish(OFF, BETA)
    scene.clock.step_wall(HOUR_MS)
    with hanging(scene.fetcher):
        result = client.boolean("on", "x")
        assert (result.enabled, result.stale) == (True, True)
    looked(client)
    result = client.boolean("on", "x")
    assert (result.enabled, result.stale) == (False, False)


def test_catch_up_keeps_the_answers_of_before_the_freeze_from_being_given(scene: ClientScene, client: Client) -> None:
    scene.publish(OFF, BETA)
    scene.clock.step_wall(HOUR_MS)
    assert client.catch_up() is True
    assert client.boolean("on", "x")[1] is False
    assert client.catch_up() is True
    assert scene.asked() == 2


def test_catch_up_says_that_answers_are_not_up_to_date_when_the_store_fails_or_hangs(
    scene: ClientScene, client: Client
) -> None:
    scene.clock.step_wall(HOUR_MS)
    scene.fetcher.faults[HEAD] = OUTAGE
    assert client.catch_up() is False
    assert client.catch_up() is False
    scene.fetcher.faults.clear()
    with hanging(scene.fetcher):
        scene.clock.advance(TTL_MS)
        assert client.catch_up(0.01) is False
        assert is_on(client)
    looked(client)


def test_catch_up_does_nothing_while_nothing_is_due(scene: ClientScene, client: Client) -> None:
    assert client.catch_up(0) is True
    assert scene.asked() == 1


@pytest.mark.parametrize("back_ms", [1, 500, HOUR_MS, 400 * 24 * HOUR_MS])
def test_a_wall_clock_that_is_set_back_stops_nothing(scene: ClientScene, client: Client, back_ms: int) -> None:
    scene.publish(OFF, BETA)
    scene.clock.step_wall(-back_ms)
    for _ in range(8):
        is_on(client)
        client.catch_up(SECONDS)
        scene.clock.advance(TTL_MS // 4)
    result = client.boolean("on", "x")
    assert (result.enabled, result.stale) == (False, False)
    assert scene.asked() <= 4


def test_a_wall_clock_that_stands_still_does_not_stop_looks_that_are_asked_for(
    scene: ClientScene, client: Client
) -> None:
    scene.publish(OFF, BETA)
    scene.clock.monotonic_ms += TTL_MS
    assert client.catch_up() is True
    assert not is_on(client)


# Pending releases


def test_a_pending_release_answers_from_its_instant_on_without_a_look(scene: ClientScene) -> None:
    scene.publish(OFF, BETA_OFF, active_after=30_000)
    client = scene.client()
    beta = client.namespace("beta")
    scene.fetcher.faults[HEAD] = OUTAGE
    assert (is_on(client), bool(beta.boolean("on", "x"))) == (True, True)
    assert client.status().pending == [(2, scene.clock.wall() + 30_000)]
    scene.clock.advance(29_999)
    assert (is_on(client), bool(beta.boolean("on", "x"))) == (True, True)
    scene.clock.advance(1)
    assert (bool(beta.boolean("on", "x")), is_on(client)) == (False, False)
    assert client.status().pending == []
    assert scene.asked() == 1


def test_a_pending_release_answers_from_its_instant_on_while_the_store_hangs(scene: ClientScene) -> None:
    scene.publish(OFF, active_after=TTL_MS + 5)
    client = scene.client()
    scene.clock.advance(TTL_MS)
    with hanging(scene.fetcher) as store:
        assert is_on(client)
        store.wait_until_asked()
        scene.clock.advance(4)
        assert is_on(client)
        scene.clock.advance(1)
        assert not is_on(client)


def test_a_pending_release_answers_from_its_instant_on_in_a_closed_client(scene: ClientScene) -> None:
    scene.publish(OFF, active_after=5)
    client = scene.client()
    client.close()
    assert is_on(client)
    scene.clock.advance(5)
    assert not is_on(client)


def test_of_several_pending_releases_the_one_that_comes_first_comes_first(scene: ClientScene) -> None:
    scene.publish(OFF, active_after=20_000)
    scene.publish(ON, active_after=10_000)
    client = scene.client()
    seen = []
    for _ in range(4):
        seen.append(client.boolean("on", "x").revision)
        scene.clock.advance(8_000)
    # The second is overtaken by the third, which contains it.
    assert seen == [1, 1, 3, 3]


def test_no_namespace_goes_back_when_the_wall_clock_does(scene: ClientScene) -> None:
    scene.publish(OFF, BETA_OFF, active_after=30_000)
    client = scene.client()
    beta = client.namespace("beta")
    assert (is_on(client), bool(beta.boolean("on", "x"))) == (True, True)
    scene.clock.advance(30_000)
    assert not is_on(client)
    scene.clock.step_wall(-20_000)
    assert not is_on(client)
    assert not beta.boolean("on", "x")


def test_before_the_first_release_becomes_active_there_is_none_to_answer_from() -> None:
    scene = ClientScene()
    scene.publish(ON, active_after=1_000)
    client = scene.client()
    with pytest.raises(NotReady, match=r"release 1 becomes active at 2027-01-15T08:00:01\.000Z"):
        is_on(client)
    with pytest.raises(NotReady):
        client.wait_until_ready(0.01)
    scene.clock.advance(1_000)
    assert is_on(client)


# Several places


class Places:
    """A first store and a second one, with the same releases, read one after the other."""

    def __init__(self) -> None:
        self.scene = ClientScene()
        self.second = MemoryObjects("memory://second")
        self.fetchers = self.scene.fetcher, FaultyFetcher(self.second)
        self.publish(ON)

    def publish(self, content: bytes) -> None:
        self.scene.publish(content)
        publish(ObjectStore(self.second), {"default": content}, at=self.scene.clock.wall())

    def client(self) -> Client:
        return self.scene.client(fetcher=Fallbacks(self.fetchers))


def test_the_second_place_is_not_asked_while_the_first_answers() -> None:
    places = Places()
    client = places.client()
    places.publish(OFF)
    client.refresh()
    assert not is_on(client)
    assert places.fetchers[1].calls == []


@pytest.mark.parametrize("fault", [OUTAGE, InvalidDocument("longer than wanted")])
def test_the_second_place_answers_while_the_first_fails_and_the_first_again_when_it_recovers(
    fault: BurgeeError,
) -> None:
    places = Places()
    first, second = places.fetchers
    first.faults[""] = fault
    client = places.client()
    assert is_on(client)
    places.publish(OFF)
    client.refresh()
    assert not is_on(client)
    first.faults.clear()
    second.calls.clear()
    places.publish(ON)
    client.refresh()
    client.refresh()
    assert is_on(client)
    assert second.calls == []


def test_an_etag_of_one_place_is_never_shown_to_another() -> None:
    places = Places()
    places.fetchers[0].faults[HEAD] = OUTAGE
    client = places.client()
    assert is_on(client)
    # The first place comes back with a newer head, whose version has the very name of the older one in the second.
    publish(ObjectStore(places.second), {"default": OFF}, at=places.scene.clock.wall())
    first = MemoryObjects()
    first._versions = count(int(places.scene.objects.get(HEAD).etag.removeprefix("v")) - 1)
    for key in (keys.blob(digest_of(OFF)), HEAD):
        first.put_new(key, places.second.get(key).content, content_type="", cache_control="")
    assert first.get(HEAD).etag == places.scene.objects.get(HEAD).etag
    places.fetchers[0].objects = first
    places.fetchers[0].faults.clear()
    client.refresh()
    assert not is_on(client)


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", b"{}", b""])
def test_a_page_in_the_place_of_the_head_is_no_answer(content: bytes) -> None:
    places = Places()
    places.fetchers[0].contents[HEAD] = content
    assert is_on(places.client())


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", b"{}", b"[]"])
def test_a_page_in_the_place_of_the_index_is_no_answer(content: bytes) -> None:
    places = Places()
    index = encode_index("https://git.example.org/acme/flags", {"staging": Listed("main", True)})
    places.second.put_new(keys.INDEX, index, content_type="", cache_control="")
    places.fetchers[0].contents[keys.INDEX] = content
    assert Fallbacks(places.fetchers).get(keys.INDEX).content == index


def test_a_broken_document_in_the_first_place_is_read_from_the_second() -> None:
    places = Places()
    places.publish(OFF)
    places.scene.corrupt(OFF)
    assert not is_on(places.client())


def test_documents_are_read_from_where_the_head_came_from_so_that_a_place_is_waited_for_once() -> None:
    places = Places()
    first, second = places.fetchers
    client = places.client()
    first.faults[""] = OUTAGE
    places.publish(OFF)
    first.calls.clear()
    client.refresh()
    assert first.calls == [HEAD]
    assert second.calls == [HEAD, keys.blob(digest_of(OFF))]
    first.faults.clear()
    places.publish(a_document("default", enabled=True).replace(b'"On"', b'"Or"'))
    client.refresh()
    assert first.calls[1] == HEAD
    assert len(first.calls) == 3


def test_a_second_place_that_lags_behind_does_not_take_us_back() -> None:
    places = Places()
    client = places.client()
    places.scene.publish(OFF)
    client.refresh()
    places.fetchers[0].faults[""] = OUTAGE
    with pytest.raises(BurgeeError) as caught:
        client.refresh()
    assert caught.value.__notes__ == [f"{HEAD} is at revision 1 here, and 2 was seen already"]
    assert client.boolean("on", "x").revision == 2


def test_a_mirror_that_lags_behind_is_passed_over_for_one_that_does_not() -> None:
    places = Places()
    lagging = FaultyFetcher(MemoryObjects("memory://lagging"))
    publish(ObjectStore(lagging.objects), {"default": ON}, at=places.scene.clock.wall())
    first, second = places.fetchers
    client = places.scene.client(fetcher=Fallbacks((first, lagging, second)))
    places.publish(OFF)
    client.refresh()
    first.faults[""] = OUTAGE
    client.refresh()
    assert client.boolean("on", "x").revision == 2
    assert client.status().last_error is None


def test_a_place_that_takes_long_to_fail_is_asked_after_the_others_for_a_while() -> None:
    places = Places()
    first, second = places.fetchers
    clock = places.scene.clock
    fallbacks = Fallbacks(places.fetchers, monotonic=clock.monotonic)
    first.faults[""] = OUTAGE
    first.pause = lambda key: clock.advance(SLOW_MS)
    assert fallbacks.get(HEAD).content == second.objects.get(HEAD).content
    first.faults.clear()
    for waited, asked in ((0, []), (REST_MS - 1, []), (1, [HEAD])):
        clock.advance(waited)
        first.calls.clear()
        fallbacks.get(HEAD)
        assert first.calls == asked


def test_a_place_that_rests_is_asked_all_the_same_when_nobody_else_answers() -> None:
    places = Places()
    first, second = places.fetchers
    clock = places.scene.clock
    fallbacks = Fallbacks(places.fetchers, monotonic=clock.monotonic)
    first.faults[""] = OUTAGE
    first.pause = lambda key: clock.advance(SLOW_MS)
    fallbacks.get(HEAD)
    first.faults.clear()
    second.faults[""] = OUTAGE
    assert fallbacks.get(HEAD).content == first.objects.get(HEAD).content


def test_when_every_place_fails_the_first_ones_fault_is_told_with_the_others_as_notes() -> None:
    places = Places()
    client = places.client()
    places.fetchers[0].faults[""] = Unavailable("the first sleeps")
    places.fetchers[1].faults[""] = Unavailable("the second too")
    with pytest.raises(Unavailable, match="the first sleeps") as caught:
        client.refresh()
    assert caught.value.__notes__ == ["the second too"]
    assert is_on(client)
