"""Where tokens of Google's are looked for, and in which order."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from burgee.bundle.gs_address import GOOGLE
from burgee.core.errors import ConfigurationError, Denied, Unavailable
from burgee.fetch.connections import Patience
from burgee.fetch.google_tokens import METADATA, find_token
from tests.fakes.aws import Answer, FakeRim
from tests.fakes.clock import NOON

FILE = "GOOGLE_APPLICATION_CREDENTIALS"
ADC = "application_default_credentials.json"
LOGIN = {"type": "authorized_user", "client_id": "c", "client_secret": "s/+", "refresh_token": "r"}
ACCOUNTS = "POST https://oauth2.googleapis.com/token"
MACHINE = "GET http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"
EMULATOR = "http://127.0.0.1:4443"
FLAVOR = {"Metadata-Flavor": "Google"}


def granted(text: str) -> bytes:
    return json.dumps({"access_token": text, "expires_in": 3599, "token_type": "Bearer"}).encode()


def everything() -> FakeRim:
    """A machine on which every source has something to give."""
    files = {"/login": json.dumps(LOGIN), f"/gcloud/{ADC}": json.dumps(LOGIN)}
    files[f"/home/ann/.config/gcloud/{ADC}"] = json.dumps(LOGIN)
    return FakeRim(files, {ACCOUNTS: (200, granted("of-login")), MACHINE: (200, granted("of-machine"), FLAVOR)})


def test_sources_are_asked_in_the_order_of_googles_tools_until_one_answers() -> None:
    environ = {"GOOGLE_OAUTH_ACCESS_TOKEN": "given", FILE: "/login", "CLOUDSDK_CONFIG": "/gcloud", "HOME": "/home/ann"}
    found = []
    for without in ("", "GOOGLE_OAUTH_ACCESS_TOKEN", FILE, "CLOUDSDK_CONFIG", "HOME"):
        environ.pop(without, None)
        token = find_token(environ, everything().rim(), GOOGLE)
        found.append((token.text, token.source))
    assert found == [
        ("given", "the token of GOOGLE_OAUTH_ACCESS_TOKEN"),
        ("of-login", "the login of /login"),
        ("of-login", f"the login of /gcloud/{ADC}"),
        ("of-login", f"the login of /home/ann/.config/gcloud/{ADC}"),
        ("of-machine", "the service account of this machine"),
    ]


def test_with_nothing_anywhere_requests_are_nobodys_and_it_is_said_where_was_looked() -> None:
    found = find_token({}, FakeRim().rim(), GOOGLE)
    assert (found.text, found.headers()) == (None, {})
    assert found.shown() == (
        "nobody, for there are no credentials (GOOGLE_OAUTH_ACCESS_TOKEN, GOOGLE_APPLICATION_CREDENTIALS, "
        "gcloud's login, the machine's service account)"
    )


def test_a_login_is_exchanged_for_a_token_for_a_while() -> None:
    rim = everything()
    found = find_token({FILE: "/login"}, rim.rim(), GOOGLE)
    assert found.expires_at == NOON + 3_599_000
    assert parse_qs(rim.asked[0].body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["c"],
        "client_secret": ["s/+"],
        "refresh_token": ["r"],
    }
    assert "of-login" not in repr(found)


def test_a_login_that_was_revoked_says_so_and_not_its_secret() -> None:
    body = b'{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}'
    rim = FakeRim({"/login": json.dumps(LOGIN)}, {ACCOUNTS: (400, body)})
    with pytest.raises(Denied, match="invalid_grant: Token has been expired or revoked; asked for") as raised:
        find_token({FILE: "/login"}, rim.rim(), GOOGLE)
    assert "s/+" not in str(raised.value)
    rim.answers[ACCOUNTS] = (500, b"")
    with pytest.raises(Unavailable):
        find_token({FILE: "/login"}, rim.rim(), GOOGLE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read /login of GOOGLE_APPLICATION_CREDENTIALS: No such file or directory"),
        ("{", "cannot read /login as credentials of Google's: JSONDecodeError"),
        ("[" * 100_000, "cannot read /login as credentials of Google's: RecursionError"),
        ("[]", "/login is of type None, and readers take what `gcloud auth application-default login` writes"),
        (json.dumps({**LOGIN, "refresh_token": None}), "/login is of type 'authorized_user', and readers take"),
        (json.dumps({"type": "service_account", "private_key": "hidden"}), "/login is of type 'service_account', and"),
        (json.dumps({"type": "external_account"}), "run as a service account of Google's machines, or set GOOGLE_OAU"),
    ],
)
def test_a_file_that_readers_cannot_use_is_an_error_that_says_what_to_do(content: str | None, said: str) -> None:
    rim = FakeRim({"/login": content} if content is not None else {})
    with pytest.raises(ConfigurationError) as raised:
        find_token({FILE: "/login"}, rim.rim(), GOOGLE)
    assert said in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("token", ["hidden token", "hidden\n", "hiddén"])
def test_a_token_that_cannot_stand_in_a_header_is_an_error_that_does_not_show_it(token: str) -> None:
    with pytest.raises(ConfigurationError, match="GOOGLE_OAUTH_ACCESS_TOKEN is one line") as raised:
        find_token({"GOOGLE_OAUTH_ACCESS_TOKEN": token}, FakeRim().rim(), GOOGLE)
    assert "hidd" not in str(raised.value)


# The machine's own


def test_the_machine_is_asked_once_in_its_own_way_and_not_waited_for_long() -> None:
    rim = everything()
    found = find_token({}, rim.rim(), GOOGLE)
    (asked,) = rim.asked
    assert asked.headers == FLAVOR
    assert rim.patience == [METADATA]
    assert METADATA.connect == 1.0
    assert found.expires_at == NOON + 3_599_000


@pytest.mark.parametrize(
    "answer",
    [
        (404, b"", FLAVOR),
        (404, b""),
        (400, b'{"error": "Bad request. Required metadata header not specified"}'),
        (200, granted("of-another"), {}),
    ],
)
def test_a_machine_without_a_service_account_and_one_of_another_cloud_ask_as_nobody(answer: Answer) -> None:
    assert find_token({}, FakeRim({}, {MACHINE: answer}).rim(), GOOGLE).text is None


def test_a_machine_whose_service_fails_is_an_error() -> None:
    rim = FakeRim({}, {MACHINE: (503, b"", FLAVOR)})
    with pytest.raises(Unavailable, match="asked for a token of the service account of this machine"):
        find_token({}, rim.rim(), GOOGLE)


def test_the_service_may_be_elsewhere() -> None:
    url = "GET http://127.0.0.1:8080/computeMetadata/v1/instance/service-accounts/default/token"
    rim = FakeRim({}, {url: (200, granted("of-host"), FLAVOR)})
    assert find_token({"GCE_METADATA_HOST": "127.0.0.1:8080"}, rim.rim(), GOOGLE).text == "of-host"


# What hears tokens


def test_an_emulator_on_this_machine_is_not_shown_the_machines_token_unless_it_is_said_where_that_is() -> None:
    rim = everything()
    assert find_token({}, rim.rim(), EMULATOR).text is None
    assert rim.asked == []
    assert find_token({FILE: "/login"}, rim.rim(), EMULATOR).text == "of-login"
    rim.answers[MACHINE.replace("169.254.169.254", "metadata")] = (200, granted("of-machine"), FLAVOR)
    assert find_token({"GCE_METADATA_HOST": "metadata"}, rim.rim(), EMULATOR).text == "of-machine"


def test_another_machine_is_told_no_token_without_tls() -> None:
    rim = everything()
    environ = {"GOOGLE_OAUTH_ACCESS_TOKEN": "given", FILE: "/login"}
    found = find_token(environ, rim.rim(), "http://gcs.example.org")
    assert (found.text, found.shown()) == (None, "nobody, for tokens are not told without TLS")
    assert rim.asked == []


@pytest.mark.parametrize("answer", [None, (404, b"", FLAVOR), (200, granted("of-another"), {}), (503, b"", FLAVOR)])
def test_a_machine_that_has_given_a_token_is_in_trouble_when_it_gives_none(answer: Answer | None) -> None:
    rim = FakeRim({}, {MACHINE: answer} if answer is not None else {})
    with pytest.raises(Unavailable):
        find_token({}, rim.rim(), GOOGLE, was_found=True)


def test_a_login_is_exchanged_as_patiently_as_its_reader_reads() -> None:
    rim = everything()
    find_token({FILE: "/login"}, rim.rim(), GOOGLE, patience=Patience(1.0, 2.0, 3.0))
    assert rim.patience == [Patience(1.0, 2.0, 3.0)]
