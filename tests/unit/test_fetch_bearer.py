"""Tokens as services answer them, and when another one is looked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from threading import Event, Thread

import pytest

from burgee.core.errors import BurgeeError, ConfigurationError, Denied, Unavailable
from burgee.fetch.bearer import HeldToken, Token, granted, nobody
from tests.fakes.aws import Answer, a_reply
from tests.fakes.children import in_a_child
from tests.fakes.clock import NOON, VirtualClock

URL = "https://login.example.org/token"
HOUR = 3_600_000


def a_token(text: str = "one", *, expires_at: int | None = NOON + HOUR) -> Token:
    return Token(text, expires_at, "a test")


class Finder:
    """Finds each of what it is given once, the last one for ever; errors are raised."""

    def __init__(self, *found: Token | BurgeeError) -> None:
        self.left = list(found)
        self.looks = 0

    def __call__(self) -> Token:
        self.looks += 1
        found = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(found, BurgeeError):
            raise found
        return found


# Answers


def answer(status: int = 200, /, **fields: object) -> Answer:
    return status, json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({"access_token": "t", "expires_in": 3599}, NOON + 3_599_000),
        ({"access_token": "t", "expires_in": "3599", "expires_on": "7"}, NOON + 3_599_000),
        ({"access_token": "t", "expires_on": "1800000060"}, NOON + 60_000),
        ({"token": "t", "expires_in": 300}, NOON + 300_000),
        ({"token": "t"}, NOON + 60_000),
        ({"token": "t", "access_token": "t", "expires_in": None}, NOON + 60_000),
        ({"token": "t", "expires_in": "soon"}, NOON + 60_000),
        ({"token": "t", "expires_in": float("inf")}, NOON + 60_000),
        ({"token": "t", "expires_in": float("nan")}, NOON + 60_000),
        ({"token": "t", "expires_on": float("inf")}, NOON + 60_000),
        ({"token": "t", "expires_in": []}, NOON + 60_000),
    ],
)
def test_a_token_holds_as_long_as_its_answer_says(fields: dict[str, object], until: int) -> None:
    token = granted(a_reply(URL, answer(**fields)), now=NOON, source="a test", seconds=60)
    assert token == ("t", until, "a test")


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (
            answer(400, error="invalid_client", error_description="No such secret.\r\nTrace: 1"),
            Denied,
            "400 Said So: invalid_client: No such secret; asked for a token of a test",
        ),
        (answer(401), Denied, "401 Said So; asked"),
        (answer(500, error="oops"), Unavailable, "500 Said So: oops; asked"),
        ((503, b"<html>"), Unavailable, "503 Said So; asked"),
        ((404, b"[]"), Unavailable, "404 Said So; asked"),
        ((200, b"<html>"), Unavailable, "answered no token for a test"),
        ((200, b"[" * 60_000), Unavailable, "answered no token for a test"),
        (answer(200, access_token=7), Unavailable, "answered no token"),
        (answer(200, access_token="hidden\r\nX: y"), Unavailable, "answered no token"),
        (answer(200, access_token="hid den"), Unavailable, "answered no token"),
    ],
)
def test_an_answer_without_a_token_says_why(given: Answer, kind: type[BurgeeError], said: str) -> None:
    with pytest.raises(kind, match=said) as raised:
        granted(a_reply(URL, given), now=NOON, source="a test")
    assert str(raised.value).startswith(URL)
    assert "hid" not in str(raised.value)


def test_a_token_is_told_to_the_server_and_to_nobody_else() -> None:
    assert a_token("secret").headers() == {"Authorization": "Bearer secret"}
    assert Token(None, None, "nobody").headers() == {}
    assert f"{a_token('secret')} {a_token('secret')!r}" == "Token(a test) Token(a test)"


# Held, and renewed


def held(find: Callable[[], Token], clock: VirtualClock) -> HeldToken:
    return HeldToken(find, clock.wall)


def test_nothing_is_looked_for_before_it_is_needed_and_what_does_not_expire_only_once() -> None:
    find, clock = Finder(a_token(expires_at=None)), VirtualClock()
    tokens = held(find, clock)
    assert find.looks == 0
    first = tokens.current()
    clock.advance(10**12)
    assert tokens.current() is first
    assert find.looks == 1


def test_a_token_is_renewed_five_minutes_before_it_expires() -> None:
    find, clock = Finder(a_token("one"), a_token("two", expires_at=NOON + 2 * HOUR)), VirtualClock()
    tokens = held(find, clock)
    found = []
    for minutes in (0, 54.99, 0.02, 59.9):
        clock.advance(int(minutes * 60_000))
        found.append(tokens.current().text)
    assert found == ["one", "one", "two", "two"]
    assert find.looks == 2


def test_what_still_holds_is_used_when_it_cannot_be_renewed_and_not_after_it_has_expired() -> None:
    find, clock = Finder(a_token(), Unavailable("500")), VirtualClock()
    tokens = held(find, clock)
    tokens.current()
    clock.advance(56 * 60_000)
    assert [tokens.current().text, tokens.current().text, find.looks] == ["one", "one", 2]
    clock.advance(10_000)
    assert [tokens.current().text, find.looks] == ["one", 3]
    clock.advance(4 * 60_000)
    with pytest.raises(Unavailable, match="500"):
        tokens.current()


def test_what_is_handed_out_shortly_before_it_expires_is_not_asked_for_each_time() -> None:
    find, clock = Finder(a_token(expires_at=NOON + 60_000)), VirtualClock()
    tokens = held(find, clock)
    for _ in range(5):
        tokens.current()
    assert find.looks == 1


def test_a_refused_token_is_looked_for_again_and_only_another_one_is_news() -> None:
    find = Finder(a_token("one"), a_token("one"), a_token("two"))
    tokens = held(find, VirtualClock())
    first = tokens.current()
    assert [tokens.renewed(first) for _ in range(3)] == [False, True, True]
    assert tokens.current().text == "two"
    assert find.looks == 3


def test_what_was_refused_is_no_news_because_it_holds_for_longer() -> None:
    find = Finder(a_token("one"), a_token("one", expires_at=NOON + 2 * HOUR))
    tokens = held(find, VirtualClock())
    assert not tokens.renewed(tokens.current())
    assert find.looks == 2


def test_it_is_known_whether_the_last_token_was_somebodys() -> None:
    find, clock = Finder(nobody("a test", now=NOON), a_token(), Unavailable("500")), VirtualClock()
    tokens = held(find, clock)
    assert not tokens.was_found
    tokens.current()
    assert not tokens.was_found
    clock.advance(60_000)
    tokens.current()
    clock.advance(2 * HOUR)
    with pytest.raises(Unavailable):
        tokens.current()
    assert tokens.was_found


def test_what_is_wrong_with_a_setting_is_a_refusal_when_somebody_reads() -> None:
    tokens = held(Finder(ConfigurationError("half of a secret")), VirtualClock())
    with pytest.raises(Denied, match="no credentials to ask with: half of a secret"):
        tokens.current()


# Threads


def held_back(token: Token) -> tuple[Callable[[], Token], Event, Event]:
    """A look that takes long in this process, and two events: it has begun; it may end."""
    begun, go_on, here = Event(), Event(), os.getpid()

    def find() -> Token:
        if os.getpid() == here:
            begun.set()
            assert go_on.wait(10)
        return token

    return find, begun, go_on


def in_threads(count: int, call: Callable[[], Token]) -> tuple[list[Thread], list[Token]]:
    found: list[Token] = []
    threads = [Thread(target=lambda: found.append(call()), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, found


def test_one_thread_looks_and_the_others_wait_for_what_it_finds() -> None:
    slowly, begun, go_on = held_back(a_token())
    find = Finder(a_token())
    tokens = held(lambda: slowly() and find(), VirtualClock())
    threads, found = in_threads(8, tokens.current)
    assert begun.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert found == [a_token()] * 8
    assert find.looks == 1


def test_while_one_thread_renews_the_others_go_on_with_what_still_holds() -> None:
    clock = VirtualClock()
    slowly, begun, go_on = held_back(a_token("two", expires_at=NOON + 2 * HOUR))
    finds: list[Callable[[], Token]] = [Finder(a_token("one")), slowly]
    tokens = held(lambda: (finds.pop(0) if len(finds) > 1 else finds[0])(), clock)
    tokens.current()
    clock.advance(56 * 60_000)
    threads, found = in_threads(1, tokens.current)
    assert begun.wait(10)
    assert tokens.current().text == "one"
    go_on.set()
    threads[0].join(10)
    assert [token.text for token in (*found, tokens.current())] == ["two", "two"]


def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    slowly, begun, go_on = held_back(a_token())
    tokens = held(slowly, VirtualClock())
    threads, _ = in_threads(1, tokens.current)
    assert begun.wait(10)
    assert in_a_child(lambda: tokens.current() == a_token())
    go_on.set()
    threads[0].join(10)
