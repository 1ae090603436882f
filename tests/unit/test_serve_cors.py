"""Pages of other origins (the Fetch standard's CORS protocol; Flipt semantics, 3.6)."""

from __future__ import annotations

import pytest

from burgee.bundle.digest import digest_of
from burgee.core.errors import ConfigurationError
from burgee.serve.cors import LOCAL, Cors
from burgee.serve.message import Response
from burgee.settings import read_settings
from tests.serving import Served, header

SHOP = "https://shop.example.org"
SNAPSHOT = "/internal/v1/evaluation/snapshot/namespace/default"
FLAGS = "/ofrep/v1/evaluate/flags"


def preflight(served: Served, origin: str = SHOP, path: str = FLAGS) -> Response:
    """What a browser asks before a page of `origin` may post JSON with headers of its own."""
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-flipt-environment",
    }
    return served.call("OPTIONS", path, headers=headers)


def values(response: Response, name: str) -> set[str]:
    """The members of a header that lists, in lower case."""
    return {member.strip().lower() for found, value in response.headers if found == name for member in value.split(",")}


def granted(response: Response) -> str | None:
    return header(response, "access-control-allow-origin")


def test_without_origins_no_answer_speaks_of_them() -> None:
    served = Served()
    assert preflight(served).status == 501
    for response in (preflight(served), served.call("POST", FLAGS, {}, headers={"origin": SHOP})):
        assert not [name for name, _ in response.headers if name.startswith("access-control") or name == "vary"]


def test_a_preflight_is_answered_without_a_token_and_without_a_look_at_the_store() -> None:
    served = Served(tokens=frozenset({digest_of(b"secret")}), cors=Cors([SHOP]))
    response = preflight(served)
    assert (response.status, response.body, granted(response)) == (204, b"", SHOP)
    assert header(response, "access-control-allow-credentials") == "true"
    assert header(response, "access-control-max-age") == "300"
    assert values(response, "access-control-allow-methods") >= {"get", "post"}
    assert served.fetcher.calls == []


def test_every_header_that_clients_send_is_allowed() -> None:
    assert values(preflight(Served(cors=Cors(["*"]))), "access-control-allow-headers") >= {
        *("authorization", "content-type", "if-none-match", "last-event-id", "baggage", "traceparent"),
        *("x-flipt-accept-server-version", "x-flipt-environment", "x-flipt-namespace"),
    }


def test_a_page_of_an_origin_that_is_not_listed_gets_no_permission() -> None:
    served = Served(cors=Cors([SHOP]))
    for response in (
        preflight(served, "https://evil.example.org"),
        served.call("POST", FLAGS, {}, headers={"origin": "https://evil.example.org"}),
        served.call("POST", FLAGS, {}, headers={"origin": "null"}),
    ):
        assert [name for name, _ in response.headers if name.startswith("access-control")] == []
        assert values(response, "vary") == {"origin"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", SNAPSHOT, {}, 200),
        ("POST", FLAGS, {}, 200),
        ("POST", FLAGS + "/nope", {}, 404),
        ("GET", FLAGS, {}, 501),
        ("GET", "/nope", {}, 404),
        ("POST", FLAGS, {"x-flipt-environment": "production"}, 503),
    ],
)
def test_every_answer_tells_the_browser_what_the_page_may_see(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    response = Served(cors=Cors([SHOP])).call(method, path, headers={**headers, "origin": SHOP})
    assert (response.status, granted(response)) == (status, SHOP)
    assert values(response, "vary") == {"origin"}
    assert values(response, "access-control-expose-headers") >= {
        *("etag", "link", "retry-after", "burgee-age", "burgee-environment", "burgee-revision"),
    }


def test_401_and_304_tell_it_too() -> None:
    served = Served(cors=Cors([SHOP]))
    etag = header(served.call("GET", SNAPSHOT), "etag") or ""
    unchanged = served.call("GET", SNAPSHOT, headers={"origin": SHOP, "if-none-match": etag})
    assert (unchanged.status, granted(unchanged)) == (304, SHOP)
    refused = Served(tokens=frozenset({digest_of(b"secret")}), cors=Cors([SHOP])).call(
        "GET", SNAPSHOT, headers={"origin": SHOP}
    )
    assert (refused.status, granted(refused)) == (401, SHOP)


def test_any_origin_may_ask_but_not_with_credentials() -> None:
    served = Served(cors=Cors(["*"]))
    for response in (preflight(served), served.call("POST", FLAGS, {}, headers={"origin": SHOP})):
        assert granted(response) == "*"
        assert header(response, "access-control-allow-credentials") is None
        assert values(response, "vary") == set()


def test_a_listed_origin_beside_any_has_credentials() -> None:
    served = Served(cors=Cors(["*", SHOP]))
    response = served.call("POST", FLAGS, {}, headers={"origin": SHOP})
    assert (granted(response), header(response, "access-control-allow-credentials")) == (SHOP, "true")
    assert granted(served.call("POST", FLAGS, {}, headers={"origin": "https://other.example.org"})) == "*"
    assert values(response, "vary") == {"origin"}


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://localhost:5173", True),
        ("http://localhost", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:3000", True),
        ("https://localhost:3000", True),
        ("http://localhost.example.org", False),
        ("http://localhost:3000.example.org", False),
        ("http://localhost:", False),
        ("https://shop.example.org", False),
    ],
)
def test_pages_of_this_machine_are_known_on_any_port(origin: str, may: bool) -> None:
    response = Served(cors=Cors(LOCAL)).call("POST", FLAGS, {}, headers={"origin": origin})
    assert granted(response) == (origin if may else None)


def test_caches_keep_compressed_answers_and_those_for_other_origins_apart() -> None:
    headers = {"origin": SHOP, "accept-encoding": "gzip"}
    response = Served(cors=Cors([SHOP])).call("GET", SNAPSHOT, headers=headers)
    assert values(response, "vary") == {"origin", "accept-encoding"}


@pytest.mark.parametrize(
    "origin",
    ["shop.example.org", "https://Shop.example.org", "https://shop.example.org/", "ftp://x", "https://*.example.org"],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^BURGEE_CORS_ORIGINS lists origins"):
        read_settings({"BURGEE_CORS_ORIGINS": origin})


def test_origins_are_listed_with_commas() -> None:
    settings = read_settings({"BURGEE_CORS_ORIGINS": f"{SHOP}, http://localhost:*"})
    assert settings.cors_origins == (SHOP, "http://localhost:*")
