"""Where a container is, as a URL says it; and what the refusals that come from there mean."""

from __future__ import annotations

import pytest

from burgee.bundle.azblob_address import AzblobAddress, read_azblob_address
from burgee.bundle.azblob_refusals import Asked, Refusal, ahead_seconds, needed
from burgee.core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable, Unfit

MICROSOFTS = "https://acmeflags.blob.core.windows.net"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("azblob://acmeflags/flags", ("acmeflags", "flags", "", MICROSOFTS)),
        ("azblob://acmeflags/flags/", ("acmeflags", "flags", "", MICROSOFTS)),
        ("AZBLOB://acmeflags/flags-2/shop/", ("acmeflags", "flags-2", "shop/", MICROSOFTS)),
        ("azblob://acmeflags/flags/two/parts", ("acmeflags", "flags", "two/parts/", MICROSOFTS)),
        ("azblob://acmeflags/flags/a%20b@c", ("acmeflags", "flags", "a%20b@c/", MICROSOFTS)),
        (
            "azblob://devstoreaccount1/flags/x?endpoint=http://127.0.0.1:10000/devstoreaccount1/",
            ("devstoreaccount1", "flags", "x/", "http://127.0.0.1:10000/devstoreaccount1"),
        ),
        (
            "azblob://acmeflags/flags?endpoint=https%3A%2F%2Facmeflags.blob.core.chinacloudapi.cn",
            ("acmeflags", "flags", "", "https://acmeflags.blob.core.chinacloudapi.cn"),
        ),
    ],
)
def test_a_url_says_account_container_prefix_and_endpoint(url: str, address: tuple[str, str, str, str]) -> None:
    assert read_azblob_address(url) == AzblobAddress(*address)


def test_the_place_is_shown_without_the_query_and_asked_for_with_the_container() -> None:
    address = read_azblob_address("azblob://acmeflags/flags/shop/?endpoint=http://127.0.0.1:10000/acmeflags")
    assert address.url == "azblob://acmeflags/flags/shop"
    assert address.place == "http://127.0.0.1:10000/acmeflags/flags"
    assert read_azblob_address("azblob://acmeflags/flags").url == "azblob://acmeflags/flags"


WANTED = "wanted an account, a container and a prefix, as azblob://acmeflags/flags/production, got 'azblob:"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("azblob://", f"{WANTED}//'"),
        ("azblob://acmeflags", f"{WANTED}//acmeflags'"),
        ("azblob:acmeflags/flags", WANTED),
        ("azblob://ac/flags", WANTED),
        ("azblob://Acme/flags", WANTED),
        ("azblob://acme-flags/flags", WANTED),
        (f"azblob://{'a' * 25}/flags", WANTED),
        ("azblob://acmeflags.blob.core.windows.net/flags", WANTED),
        ("azblob://acmeflags/fl", WANTED),
        ("azblob://acmeflags/Flags", WANTED),
        ("azblob://acmeflags/fl--ags", WANTED),
        ("azblob://acmeflags/-flags", WANTED),
        ("azblob://acmeflags/$web", WANTED),
        ("azblob://acmeflags/flags/a//b", WANTED),
        ("azblob://acmeflags/flags/a/../b", WANTED),
        ("azblob://acmeflags/flags/a\nb", WANTED),
        ("azblob://key:hidden@acmeflags/flags", "an azblob URL has no credentials and no fragment"),
        ("azblob://acmeflags/flags#hidden", "an azblob URL has no credentials and no fragment"),
        ("azblob://acmeflags/flags?sig=hidden", "an azblob URL says endpoint and nothing else, got another name"),
        ("azblob://acmeflags/flags?endpoint=http://a&endpoint=http://a", "says endpoint once, got it twice"),
        ("azblob://acmeflags/flags?endpoint=", "wanted an endpoint such as https://acmeflags.blob.core.windows.net"),
        ("azblob://acmeflags/flags?endpoint=http://[zz]", "wanted an endpoint such as https://acmeflags.blob"),
        ("azblob://acmeflags/flags?endpoint=https://host?sig=hidden", "no credentials, query or fragment"),
        ("azblob://acmeflags/flags?endpoint=https://key:hidden@host", "no credentials, query or fragment"),
    ],
)
def test_a_url_that_names_no_container_is_refused_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_azblob_address(url)
    assert said in str(raised.value)
    assert "hidden" not in str(raised.value)


# Refusals

NOON = 1_800_000_000_000
AT_NOON = "Fri, 15 Jan 2027 08:00:00 GMT"


def asked(*, nobody: bool = False) -> Asked:
    return Asked("GET azblob://a/c/k", "the key of a", nobody, needed("Reader", "r", "c"), NOON)


def refused(status: int, code: str, *, date: str = AT_NOON) -> Refusal:
    return Refusal(status, code, "It is so.\nRequestId:1\nTime:2", date)


@pytest.mark.parametrize(
    ("refusal", "kind", "said"),
    [
        (refused(404, "BlobNotFound"), NotFound, "404 BlobNotFound: It is so"),
        (Refusal(404, "", "", ""), NotFound, "GET azblob://a/c/k: 404"),
        (refused(404, "ContainerNotFound"), Unavailable, "check the account's and the container's name"),
        (refused(409, "ContainerBeingDeleted"), Unavailable, "check the account's and the container's name"),
        (refused(404, "ResourceNotFound"), NotFound, "404 ResourceNotFound: It is so"),
        (refused(403, "AuthenticationFailed"), Denied, "asked by the key of a; renew or replace it, and check the"),
        (refused(401, "InvalidAuthenticationInfo"), Denied, "asked by the key of a; renew or replace it"),
        (refused(403, "AuthorizationPermissionMismatch"), Denied, "the role Storage Blob Data Reader on the container"),
        (refused(403, "AuthorizationFailure"), Denied, "and a network that the account lets in"),
        (refused(409, "PublicAccessNotPermitted"), Denied, "asked by the key of a; burgee needs"),
        (refused(301, ""), Unavailable, "check the account's"),
        (refused(501, "NotImplemented"), Unfit, "cannot do what burgee needs"),
        (refused(503, "ServerBusy"), Unavailable, "503 ServerBusy: It is so"),
        (refused(409, "BlobImmutableDueToPolicy"), Unavailable, "409 BlobImmutableDueToPolicy: It is so"),
    ],
)
def test_a_refusal_says_what_to_do(refusal: Refusal, kind: type[BurgeeError], said: str) -> None:
    error = refusal.error(asked())
    assert type(error) is kind
    assert said in str(error)
    assert "RequestId" not in str(error)


def test_nobody_is_told_nothing_of_what_is_not_public() -> None:
    for refusal in (refused(404, "ResourceNotFound"), refused(401, "NoAuthenticationInformation")):
        error = refusal.error(asked(nobody=True))
        assert type(error) is Denied
        assert "; burgee needs the role" in str(error)
    assert type(refused(404, "BlobNotFound").error(asked(nobody=True))) is NotFound


def test_a_clock_that_is_off_is_said_with_both_times() -> None:
    late = refused(403, "AuthenticationFailed", date="Fri, 15 Jan 2027 08:15:01 GMT")
    said = "set this machine's clock: it says 2027-01-15T08:00:00.000Z, the server Fri, 15 Jan 2027 08:15:01 GMT"
    assert said in str(late.error(asked()))
    assert "clock" not in str(late._replace(date="Fri, 15 Jan 2027 08:15:00 GMT").error(asked()))


@pytest.mark.parametrize(("date", "seconds"), [(AT_NOON, 0), ("Fri, 15 Jan 2027 07:59:00 GMT", -60), ("", None)])
def test_a_server_says_how_far_its_clock_is_ahead(date: str, seconds: float | None) -> None:
    assert ahead_seconds(date, NOON) == seconds


def test_what_a_server_says_is_shown_on_one_line_and_not_without_end() -> None:
    shown = str(Refusal(400, "Bad\x1b[31m", "x" * 1000, ""))
    assert shown.isprintable()
    assert len(shown) < 350
