"""The same attacks on readers without keys, and on the SDK."""

from __future__ import annotations

import json

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from burgee.bundle.digest import digest_of
from burgee.bundle.head import encode_head, entry_of
from burgee.client import Client, Outdated
from burgee.client.openfeature import BurgeeProvider
from burgee.core.errors import BurgeeError, ConfigurationError, Unavailable
from burgee.fetch.live import Live
from tests.fakes.attacked import OURS, TTL_MS, VALIDITY_MS, Attacked, starts_refusing
from tests.fakes.forgeries import signed_by_another_key

# Readers without keys


def test_a_reader_without_keys_refuses_a_lower_revision_and_a_broken_chain(store: Attacked) -> None:
    before = store.recorded()
    store.publish()
    reader = Live(store.fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0)
    assert reader.current().release.revision == 2
    assert reader.status().verified_by is None
    store.show(before)
    store.later()
    reader.current()
    assert "went back" in str(reader.status().last_error)
    other = Attacked()
    for _ in range(3):
        other.publish(enabled=False)
    store.show(other.recorded())
    store.later(2 * TTL_MS)
    assert reader.current().release.revision == 2
    assert "release 3 does not follow 2" in str(reader.status().last_error)


def test_a_head_whose_own_releases_do_not_follow_one_another_is_refused_by_everybody(store: Attacked) -> None:
    head = store.publish(active_after=10 * TTL_MS)
    other = head.last.release._replace(previous=digest_of(b"another"))
    store.show_head(head._replace(releases=(head.releases[0], entry_of(other))))
    reader = Live(store.fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0)
    starts_refusing(store, "release 2 does not follow 1", reader=reader)


def test_a_reader_without_keys_goes_on_with_an_expired_head_and_says_that_it_is_stale(store: Attacked) -> None:
    store.later(VALIDITY_MS)
    reader = Live(store.fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0)
    assert reader.current().release.revision == 1
    status = reader.status()
    assert status.stale is True
    assert "has expired" in str(status.last_error)


@pytest.mark.parametrize("lags", [["1"], [None], [1.5], {"a": 1}])
def test_lags_that_are_no_numbers_make_no_evaluation_fail(store: Attacked, lags: object) -> None:
    head = store.head()
    content = encode_head(head._replace(signatures=(), lags_ms=()))
    store.show_head(content.replace(b'"releases":', b'"lags_ms":' + json.dumps(lags).encode() + b',"releases":'))
    with Client(environment="staging", fetcher=store.fetcher, clock=store.clock, ttl=TTL_MS / 1000) as client:
        assert client.boolean("on", "someone", default=False).enabled is False
        assert "lags_ms" in str(client.status().last_error)


# The SDK


def a_client(store: Attacked, **options: object) -> Client:
    return Client(
        environment="staging",
        fetcher=store.fetcher,
        clock=store.clock,
        ttl=TTL_MS / 1000,
        verify_keys=[OURS.public_key().text],
        **options,  # type: ignore[arg-type]
    )


def test_the_sdk_verifies_with_the_keys_that_it_is_given(store: Attacked) -> None:
    with a_client(store) as client:
        assert client.boolean("on", "someone").enabled is True
        assert client.status().verified_by == OURS.public_key().id
        store.show_head(signed_by_another_key(store.head()))
        with pytest.raises(BurgeeError, match="not signed by the key"):
            client.refresh()
        assert client.boolean("on", "someone").enabled is True


def test_the_sdk_answers_stale_when_the_head_has_expired_and_refuses_to_if_it_is_strict(store: Attacked) -> None:
    store.show(store.recorded())
    with a_client(store) as lenient, a_client(store, strict=True) as strict:
        assert not lenient.boolean("on", "someone").stale
        assert not strict.boolean("on", "someone").stale
        while store.clock.wall() + TTL_MS < store.head().expires_at:
            store.later()
            lenient.catch_up(10.0)
            strict.catch_up(10.0)
        assert not strict.boolean("on", "someone").stale
        store.later()
        assert lenient.boolean("on", "someone").stale is True
        with pytest.raises(Outdated, match="too long to be strict"):
            strict.boolean("on", "someone")
        answer = strict.boolean("on", "someone", default=False)
        assert (answer.enabled, answer.reason) == (False, "ERROR_EVALUATION_REASON")


def test_a_strict_client_refuses_what_nobody_has_looked_at_for_too_long_and_recovers(store: Attacked) -> None:
    with a_client(store, strict=True) as client:
        assert client.boolean("on", "someone").enabled is True
        store.fetcher.faults[""] = Unavailable("silence")
        store.later(2 * TTL_MS + 1)
        client.catch_up(10.0)
        with pytest.raises(Outdated, match="silence"):
            client.boolean("on", "someone")
        store.fetcher.faults.clear()
        client.refresh()
        assert client.boolean("on", "someone").enabled is True


def test_a_strict_provider_of_openfeature_answers_the_default_where_an_answer_would_be_stale(store: Attacked) -> None:
    with a_client(store, strict=True) as client:
        provider = BurgeeProvider(client)
        provider.initialize(EvaluationContext())
        asking = EvaluationContext("someone")
        assert provider.resolve_boolean_details("on", False, asking).value is True
        store.fetcher.faults[""] = Unavailable("silence")
        store.later(2 * TTL_MS + 1)
        details = provider.resolve_boolean_details("on", False, asking)
        assert (details.value, details.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)
        provider.shutdown()


def test_a_repository_without_keys_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="verify_keys"):
        Client("file:///nowhere", environment="staging", verify_repository="https://example.org/flags")
