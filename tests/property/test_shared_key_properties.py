"""Random requests have the signature that Microsoft's own client gives them."""

from __future__ import annotations

from base64 import b64encode
from string import ascii_letters, ascii_lowercase, digits
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.fetch.shared_key import signed

ACCOUNTS = st.text(ascii_lowercase + digits, min_size=3, max_size=24)
ENDPOINTS = st.sampled_from(["https://{}.blob.core.windows.net", "http://127.0.0.1:10000/{}", "http://[::1]:9000/{}"])
CONTAINERS = st.text(ascii_lowercase + digits, min_size=3, max_size=63)
# Whatever a key of a store may hold; parts of dots are no keys, and clients take them out of addresses.
PARTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=20).filter(
    lambda part: part.strip(".") != ""
)
KEYS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
ETAGS = st.text(ascii_letters + digits, min_size=1, max_size=20).map(lambda text: f'"0x{text}"')
CONDITIONS = st.one_of(
    st.just({}),
    st.builds(lambda etag: {"If-None-Match": etag}, ETAGS),
    st.just({"If-Modified-Since": "Fri, 15 Jan 2027 08:00:00 GMT"}),
    st.builds(lambda etag: {"If-None-Match": etag, "If-Modified-Since": "Fri, 15 Jan 2027 08:00:00 GMT"}, ETAGS),
)
VERSIONS = st.sampled_from(
    [{}, {"x-ms-version": "2021-08-06"}, {"x-ms-version": "2026-10-06", "x-ms-range": "bytes=0-1"}]
)
SECRETS = st.binary(min_size=1, max_size=64).map(lambda content: b64encode(content).decode())
# From 2000 to 2100.
INSTANTS = st.integers(946_684_800_000, 4_102_444_799_999)


@settings(max_examples=400, deadline=None)
@given(
    account=ACCOUNTS,
    endpoint=ENDPOINTS,
    container=CONTAINERS,
    key=KEYS,
    condition=CONDITIONS,
    version=VERSIONS,
    secret=SECRETS,
    instant=INSTANTS,
)
def test_a_random_request_is_signed_as_microsofts_own_client_signs_it(
    account: str,
    endpoint: str,
    container: str,
    key: str,
    condition: dict[str, str],
    version: dict[str, str],
    secret: str,
    instant: int,
) -> None:
    url = f"{endpoint.format(account)}/{container}/{quote(key, safe='/~')}"
    ours = signed(url, version | condition, account=account, key=secret, instant=instant)
    unsigned = {name: value for name, value in ours.items() if name != "Authorization"}
    assert ours["Authorization"] == _microsofts(url, unsigned, account, secret)


def _microsofts(url: str, headers: dict[str, str], account: str, secret: str) -> str:
    """What Microsoft's own client proves a GET with these headers by."""
    request = HttpRequest("GET", url, headers=headers)
    # It asks of the context only which transport it has, and its types say nothing.
    context: Any = SimpleNamespace(transport=None)
    policy: Any = SharedKeyCredentialPolicy
    policy(account, secret).on_request(PipelineRequest(request, context))
    return str(request.headers["Authorization"])
