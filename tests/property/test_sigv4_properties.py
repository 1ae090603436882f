"""Random requests have the signature that Amazon's own client gives them."""

from __future__ import annotations

from string import ascii_letters, ascii_lowercase, digits
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.fetch.sigv4 import Credentials, Scope, signed
from tests.unit.test_fetch_sigv4 import amazons, signature

HOSTS = st.sampled_from(
    ["https://b.s3.eu-west-1.amazonaws.com", "http://127.0.0.1:5000/b", "https://h:8443/a/b", "http://[::1]:9000/b"]
)
# Whatever a key of a store may hold; parts of dots are no keys, and clients take them out of addresses.
PARTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=20).filter(
    lambda part: part.strip(".") != ""
)
KEYS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
WORDS = st.text(ascii_letters + digits + "-._~ *'()!,;", max_size=12)
QUERIES = st.dictionaries(st.text(ascii_lowercase, min_size=1, max_size=8), WORDS, max_size=4)
NAMES = st.text(ascii_letters + "-", min_size=3, max_size=16).map(lambda name: f"X-Test-{name.strip('-') or 'a'}")
VALUES = st.text(ascii_letters + digits + ' \t"=,/', max_size=24)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=4).filter(
    lambda headers: len({name.lower() for name in headers}) == len(headers)
)
CREDENTIALS = st.builds(
    lambda key, secret, token: Credentials(key, secret, token, None, "a test"),
    st.text(ascii_letters + digits, min_size=16, max_size=20),
    st.text(ascii_letters + digits + "+/=", min_size=20, max_size=44),
    st.none() | st.text(ascii_letters + digits + "+/=", min_size=20, max_size=200),
)
SCOPES = st.builds(Scope, st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]), st.just("s3"))
# From 2000 to 2100.
INSTANTS = st.integers(946_684_800_000, 4_102_444_799_999)


@settings(max_examples=400, deadline=None)
@given(host=HOSTS, key=KEYS, query=QUERIES, headers=HEADERS, credentials=CREDENTIALS, scope=SCOPES, instant=INSTANTS)
def test_a_random_request_is_signed_as_amazons_own_client_signs_it(
    host: str,
    key: str,
    query: dict[str, str],
    headers: dict[str, str],
    credentials: Credentials,
    scope: Scope,
    instant: int,
) -> None:
    asked = "&".join(f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}" for name, value in query.items())
    url = f"{host}/{quote(key, safe='/')}" + (f"?{asked}" if asked else "")
    given_headers = signed("GET", url, headers, credentials, scope, instant)
    unsigned = {name: value for name, value in given_headers.items() if name != "Authorization"}
    assert signature(given_headers) == amazons(url, unsigned, credentials, scope)
