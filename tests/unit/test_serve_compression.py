"""Answers in gzip."""

from __future__ import annotations

import gzip

import pytest

from burgee.serve.compression import compressed
from burgee.serve.message import Response
from tests.builders import a_flag, a_variant
from tests.serving import TTL_MS, Served, header

SNAPSHOT = "/internal/v1/evaluation/snapshot/namespace/default"
GZIP = {"accept-encoding": "gzip"}


def test_a_snapshot_is_compressed_once_for_all_clients() -> None:
    served = Served()
    first, second = (served.call("GET", SNAPSHOT, headers=GZIP) for _ in range(2))
    assert first.body is second.body
    assert header(first, "content-encoding") == "gzip"
    assert header(first, "etag") == header(served.call("GET", SNAPSHOT), "etag")


def test_a_new_snapshot_is_compressed_anew() -> None:
    served = Served()
    served.call("GET", SNAPSHOT, headers=GZIP)
    served.publish(a_flag("f", variants=[a_variant("v", {"text": "x" * 2_000}, default=True)]))
    served.clock.advance(TTL_MS)
    plain = served.call("GET", SNAPSHOT).body
    assert gzip.decompress(served.call("GET", SNAPSHOT, headers=GZIP).body) == plain


def test_a_short_answer_is_not_compressed() -> None:
    served = Served(a_flag("f"))
    for path in (SNAPSHOT, "/healthz"):
        response = served.call("GET", path, headers=GZIP)
        assert header(response, "content-encoding") is None
        assert response.body.startswith(b"{")


def test_nothing_is_compressed_twice() -> None:
    once = compressed(Response(200, (), b"x" * 5_000))
    assert compressed(once) is once
    assert gzip.decompress(once.body) == b"x" * 5_000


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip;q=0", None),
        ("identity, gzip; q=0.000", None),
        ("GZIP;q=0, *", None),
        ("deflate;q=0, gzip", "gzip"),
        ("gzip;q=0.5, identity;q=0.1", "gzip"),
        ("gzip;q=1.0", "gzip"),
    ],
)
def test_a_client_that_gives_gzip_the_weight_zero_gets_none(accepted: str, coding: str | None) -> None:
    served = Served(a_flag("f", variants=[a_variant("v", {"text": "x" * 2_000}, default=True)]))
    assert header(served.call("GET", SNAPSHOT, headers={"accept-encoding": accepted}), "content-encoding") == coding
