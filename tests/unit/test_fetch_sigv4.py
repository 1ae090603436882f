"""Signatures: those of Amazon's documents, and the same as Amazon's own client makes."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botocores

from burgee.fetch.sigv4 import Credentials, Scope, signed

DOCUMENTED = Credentials(
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None, None, "Amazon's documents"
)
# 2013-05-24T00:00:00Z
DOCUMENTED_AT = 1_369_353_600_000
S3 = Scope("us-east-1", "s3")
BUCKET = "https://examplebucket.s3.amazonaws.com"


def signature(headers: dict[str, str]) -> str:
    return headers["Authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/test.txt", {"Range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_the_examples_of_amazons_documents_are_signed_as_they_say(
    path: str, headers: dict[str, str], expected: str
) -> None:
    given = signed("GET", BUCKET + path, headers, DOCUMENTED, S3, DOCUMENTED_AT)
    assert signature(given) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ],
)
def test_the_vectors_of_amazons_test_suite_are_signed_as_they_say(query: str, expected: str) -> None:
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "")
    scope = Scope("us-east-1", "service")
    at = 1_440_938_160_000
    assert signature(signed("GET", f"https://example.amazonaws.com/{query}", {}, credentials, scope, at)) == expected


def amazons(url: str, headers: dict[str, str], credentials: Credentials, scope: Scope) -> str:
    """The signature that Amazon's own client makes for a request with these headers."""
    theirs = Botocores(credentials.access_key, credentials.secret_key, credentials.token)
    kind = S3SigV4Auth if scope.service == "s3" else SigV4Auth
    auth = kind(theirs, scope.service, scope.region)
    request = AWSRequest(method="GET", url=url, headers=headers)
    request.context["timestamp"] = headers["X-Amz-Date"]
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return str(auth.signature(text, request))


KEYS = ["plain", "a b", "a,b", "a+b", "a%b", "a%20b", "ä/ö/∞", "a~b-c_d.e", "a=b&c", "(a)!*'", "a//b", "environments/x"]
PLACES = ["https://b.s3.eu-west-1.amazonaws.com", "http://127.0.0.1:5000/b", "http://[::1]:9000/b", "https://h:443/b"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzE/+=="])
def test_any_key_is_signed_as_amazons_own_client_does(place: str, token: str | None) -> None:
    credentials = DOCUMENTED._replace(token=token)
    for key in KEYS:
        url = f"{place}/{quote(key, safe='/')}"
        given = signed("GET", url, {"If-None-Match": '"v1"', "X-Spaced": " a  b "}, credentials, S3, DOCUMENTED_AT)
        unsigned = {name: value for name, value in given.items() if name != "Authorization"}
        assert signature(given) == amazons(url, unsigned, credentials, S3), key
        assert given.get("X-Amz-Security-Token") == token


def test_a_path_of_another_service_is_encoded_once_more() -> None:
    scope = Scope("eu-central-1", "execute-api")
    url = "https://api.example.org/a%20b/~c?x=1&a=%2F&x=0&flag"
    given = signed("GET", url, {}, DOCUMENTED, scope, DOCUMENTED_AT)
    unsigned = {name: value for name, value in given.items() if name != "Authorization"}
    assert signature(given) == amazons(url, unsigned, DOCUMENTED, scope)


def test_the_host_has_a_port_only_if_it_is_not_the_schemes() -> None:
    hosts = [signed("GET", f"{place}/k", {}, DOCUMENTED, S3, 0)["Host"] for place in PLACES]
    assert hosts == ["b.s3.eu-west-1.amazonaws.com", "127.0.0.1:5000", "[::1]:9000", "h"]


def test_credentials_show_nothing_secret() -> None:
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "secret", "token", None, "AWS_ACCESS_KEY_ID")
    assert repr(credentials) == "Credentials(access key ...MPLE of AWS_ACCESS_KEY_ID)"
    assert f"{credentials}" == repr(credentials)
