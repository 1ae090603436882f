"""Where credentials are looked for, in which order, and when they are looked for again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from threading import Event, Thread
from urllib.parse import parse_qs

import pytest

from burgee.core.errors import BurgeeError, ConfigurationError, Denied, Unavailable
from burgee.core.instant import format_instant
from burgee.fetch.aws_credentials import HeldCredentials, find_credentials, region_of
from burgee.fetch.aws_profile import parsed, read_profile
from burgee.fetch.sigv4 import Credentials
from tests.fakes.aws import Answer, Asked, FakeRim
from tests.fakes.children import in_a_child
from tests.fakes.clock import NOON

OF_VARIABLES = {"AWS_ACCESS_KEY_ID": "AKIAVARIABLES", "AWS_SECRET_ACCESS_KEY": "s"}
OF_A_FILE = "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s+/=\n"
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/web"}
POD = {
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/pod-token",
}
HOME = {"HOME": "/home/ann"}
METADATA = "http://169.254.169.254"
ROLES = f"{METADATA}/latest/meta-data/iam/security-credentials/"
STS = "POST https://sts.us-east-1.amazonaws.com/"


def handed_out(access_key: str, *, expires_at: int = NOON + 3_600_000, **more: object) -> bytes:
    """What a container's or an instance's service answers."""
    fields = {
        "Code": "Success",
        "AccessKeyId": access_key,
        "SecretAccessKey": "s",
        "Token": "t",
        "Expiration": format_instant(expires_at),
    }
    return json.dumps(fields | more).encode()


def of_sts(access_key: str) -> bytes:
    text = "".join(
        f"<{name}>{value}</{name}>"
        for name, value in {
            "AccessKeyId": access_key,
            "SecretAccessKey": "s",
            "SessionToken": "t&amp;t",
            "Expiration": format_instant(NOON + 3_600_000),
        }.items()
    )
    return f"<AssumeRoleWithWebIdentityResponse><Credentials>{text}</Credentials></...>".encode()


def everything() -> FakeRim:
    """A machine on which every source has something to give."""
    files = {"/home/ann/.aws/credentials": OF_A_FILE, "/token": "web token\n", "/pod-token": "pod token\n"}
    answers: dict[str, Answer | Callable[[Asked], Answer]] = {
        STS: (200, of_sts("AKIAWEB")),
        "GET http://169.254.170.23/v1/credentials": (200, handed_out("AKIAPOD")),
        f"PUT {METADATA}/latest/api/token": (200, b"session"),
        f"GET {ROLES}": (200, b"reader\n"),
        f"GET {ROLES}reader": (200, handed_out("AKIAINSTANCE")),
    }
    return FakeRim(files, answers)


def test_sources_are_asked_in_the_order_of_amazons_tools_until_one_answers() -> None:
    rim = everything()
    environ = {**OF_VARIABLES, **HOME, **WEB, **POD}
    found = []
    for without in ((), OF_VARIABLES, HOME, WEB, POD):
        environ = {name: value for name, value in environ.items() if name not in without}
        found.append(find_credentials(environ, rim.rim()).access_key)
    assert found == ["AKIAVARIABLES", "AKIAFILE", "AKIAWEB", "AKIAPOD", "AKIAINSTANCE"]


def test_with_nothing_anywhere_requests_are_nobodys_and_it_is_said_where_was_looked() -> None:
    found = find_credentials({}, FakeRim().rim())
    assert found.access_key is None
    assert found.shown() == (
        "nobody, for there are no credentials "
        "(AWS_ACCESS_KEY_ID, profile 'default', a web identity, a container's and an instance's role)"
    )


def test_variables_may_have_a_session_token() -> None:
    found = find_credentials({**OF_VARIABLES, "AWS_SESSION_TOKEN": "t"}, FakeRim().rim())
    assert found == ("AKIAVARIABLES", "s", "t", None, "AWS_ACCESS_KEY_ID")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, "AWS_ACCESS_KEY_ID has half of an access key"),
        ({"AWS_SECRET_ACCESS_KEY": "hidden"}, "AWS_ACCESS_KEY_ID has half of an access key"),
        ({"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hidden\n"}, "blanks, line ends or quotes"),
        ({"AWS_ACCESS_KEY_ID": "AKIA ", "AWS_SECRET_ACCESS_KEY": "hidden"}, "blanks, line ends or quotes"),
        ({"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": '"hidden"'}, "blanks, line ends or quotes"),
        ({"AWS_PROFILE": "gone", **HOME}, "'gone', which is in none of /home/ann/.aws/config, /home/ann/.aws/cred"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, "AWS_ROLE_ARN is not; set both or none"),
        ({**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "/gone"}, "cannot read /gone of AWS_WEB_IDENTITY_TOKEN_FILE: No such"),
        (
            {**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "/two"},
            "/two of AWS_WEB_IDENTITY_TOKEN_FILE has no token of one line",
        ),
        (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.example/c"},
            "of this machine, ECS or EKS, got host 'evil",
        ),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.evil.example/c"}, "got host '127.evil.example'"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "ftp://127.0.0.1/c"}, "wanted an address such as"),
        ({**WEB, "AWS_ENDPOINT_URL": "nowhere"}, "wanted an address such as"),
    ],
)
def test_a_source_that_is_named_and_wrong_is_an_error_that_shows_no_secret(environ: dict[str, str], said: str) -> None:
    rim = FakeRim({"/token": "t", "/two": "hidden\nhidden"})
    with pytest.raises(ConfigurationError, match=said) as raised:
        find_credentials(environ, rim.rim())
    assert "hidden" not in str(raised.value)


# Shared files


SHARED_FILE = """
# of ann
[default]
region=eu-west-1
s3 =
  region = not-this
  max = 5
; more
[ other ]
  AWS_Access_Key_Id = A=B
  region = x
[default]
output = json
"""


def test_a_shared_file_is_read_as_amazons_tools_read_it() -> None:
    assert parsed(SHARED_FILE) == {
        "default": {"region": "eu-west-1", "s3": "", "output": "json"},
        "other": {"aws_access_key_id": "A=B", "region": "x"},
    }


def test_a_profile_is_what_both_files_say_of_it() -> None:
    files = {
        "/c/config": "[profile shop]\nregion = eu-west-3\naws_access_key_id = OLD\n[shop]\nregion = no\n",
        "/home/ann/keys": "\ufeff[shop]\naws_access_key_id = AKIASHOP\naws_secret_access_key = s\n",
    }
    environ = {
        **HOME,
        "AWS_PROFILE": "shop",
        "AWS_CONFIG_FILE": "/c/config",
        "AWS_SHARED_CREDENTIALS_FILE": "~/keys",
    }
    rim = FakeRim(files).rim()
    assert find_credentials(environ, rim) == ("AKIASHOP", "s", None, None, "profile 'shop'")
    assert region_of(environ, rim) == "eu-west-3"


def test_the_region_is_that_of_a_variable_before_the_profiles() -> None:
    rim = FakeRim({"/home/ann/.aws/config": "[default]\nregion = of-profile\n"}).rim()
    environ = {**HOME, "AWS_DEFAULT_REGION": "of-default", "AWS_REGION": "of-region"}
    found = []
    for without in ("", "AWS_REGION", "AWS_DEFAULT_REGION", "HOME"):
        environ.pop(without, None)
        found.append(region_of(environ, rim))
    assert found == ["of-region", "of-default", "of-profile", None]


SSO = "sso_session = acme\nregion = eu-west-1\n"


def test_a_chosen_profile_with_what_burgee_does_not_read_is_an_error_that_says_what_to_do() -> None:
    for fields in (SSO, "sso_start_url = u\n", "credential_process = p\n", "role_arn = r\nsource_profile = default\n"):
        rim = FakeRim({"/home/ann/.aws/config": f"[profile acme]\n{fields}"}).rim()
        said = rf"has {fields.partition(' ')[0]}, .*aws configure export-credentials --profile acme --format env"
        with pytest.raises(ConfigurationError, match=said):
            find_credentials({**HOME, "AWS_PROFILE": "acme"}, rim)


def test_a_default_profile_with_what_burgee_does_not_read_is_told_when_nobody_else_has_credentials() -> None:
    rim = everything()
    rim.files["/home/ann/.aws/config"] = f"[default]\n{SSO}"
    del rim.files["/home/ann/.aws/credentials"]
    assert find_credentials(HOME, rim.rim()).access_key == "AKIAINSTANCE"
    rim.answers.clear()
    found = find_credentials(HOME, rim.rim())
    assert "profile 'default' has sso_session, which burgee does not read" in found.shown()


def test_a_file_that_may_not_be_read_is_an_error() -> None:
    def refuse(path: str) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(ConfigurationError, match=r"cannot read /home/ann/\.aws/config: Permission denied"):
        read_profile(HOME, refuse)


# Services


def test_a_web_identity_is_exchanged_for_the_role_where_the_region_is() -> None:
    rim = FakeRim({"/token": "a.b.c\n"}, {"POST https://sts.cn-north-1.amazonaws.com.cn/": (200, of_sts("AKIAWEB"))})
    found = find_credentials({**WEB, "AWS_REGION": "cn-north-1"}, rim.rim())
    assert found == ("AKIAWEB", "s", "t&t", NOON + 3_600_000, "role arn:aws:iam::1:role/web")
    assert parse_qs(rim.asked[0].body.decode()) == {
        "Action": ["AssumeRoleWithWebIdentity"],
        "Version": ["2011-06-15"],
        "RoleArn": ["arn:aws:iam::1:role/web"],
        "RoleSessionName": ["burgee"],
        "WebIdentityToken": ["a.b.c"],
    }


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:5000/"}, "http://127.0.0.1:5000/"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_STS": "https://b"}, "https://b/"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, STS.removeprefix("POST ")),
        ({"AWS_ENDPOINT_URL_S3": "http://a"}, STS.removeprefix("POST ")),
    ],
)
def test_the_service_that_exchanges_them_may_be_elsewhere(more: dict[str, str], url: str) -> None:
    rim = FakeRim({"/token": "t"}, {f"POST {url}": (200, of_sts("AKIAWEB"))})
    assert find_credentials({**WEB, **more}, rim.rim()).access_key == "AKIAWEB"


def test_a_web_identity_that_is_refused_says_why() -> None:
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not you\n&amp;</Message></Error></ErrorResponse>"
    rim = FakeRim({"/token": "t"}, {STS: (403, body)})
    said = r"POST https://sts\.us-east-1\.amazonaws\.com/: 403 AccessDenied: Not you\\x0a&; asked for the role arn"
    with pytest.raises(Denied, match=said):
        find_credentials(WEB, rim.rim())
    rim.answers[STS] = (500, b"")
    with pytest.raises(Unavailable, match="500 Said So"):
        find_credentials(WEB, rim.rim())


def test_a_container_is_asked_with_its_token_which_is_read_each_time() -> None:
    rim = everything()
    assert find_credentials(POD, rim.rim()).source == "the container's role"
    rim.files["/pod-token"] = "another"
    find_credentials(POD, rim.rim())
    assert [asked.headers["Authorization"] for asked in rim.asked] == ["pod token", "another"]


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"RELATIVE_URI": "/v2/c?id=1"}, "http://169.254.170.2/v2/c?id=1"),
        ({"FULL_URI": "http://127.0.0.1:9001/c"}, "http://127.0.0.1:9001/c"),
        ({"FULL_URI": "http://[::1]:9001/c"}, "http://[::1]:9001/c"),
        ({"FULL_URI": "https://vault.example.org/c"}, "https://vault.example.org/c"),
        ({"RELATIVE_URI": "/a", "FULL_URI": "http://b"}, "http://169.254.170.2/a"),
    ],
)
def test_a_container_is_asked_where_it_may_be(environ: dict[str, str], url: str) -> None:
    rim = FakeRim(answers={f"GET {url}": (200, handed_out("AKIAPOD"))})
    given = {f"AWS_CONTAINER_CREDENTIALS_{name}": value for name, value in environ.items()}
    given["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "token"
    assert find_credentials(given, rim.rim()).access_key == "AKIAPOD"
    assert rim.asked[0].headers == {"Authorization": "token"}


def test_an_instance_is_asked_by_the_second_version_of_its_service_and_waited_for_a_second() -> None:
    rim = everything()
    assert find_credentials({}, rim.rim()).source == "role 'reader' of this instance"
    assert [f"{asked.method} {asked.url.removeprefix(METADATA)}" for asked in rim.asked] == [
        "PUT /latest/api/token",
        "GET /latest/meta-data/iam/security-credentials/",
        "GET /latest/meta-data/iam/security-credentials/reader",
    ]
    assert rim.asked[0].headers == {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    assert rim.asked[1].headers == rim.asked[2].headers == {"X-aws-ec2-metadata-token": "session"}
    assert {patience.connect for patience in rim.patience} == {1.0}


@pytest.mark.parametrize(
    ("environ", "base"),
    [
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}, "http://[fd00:ec2::254]"),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1338/"}, "http://127.0.0.1:1338"),
    ],
)
def test_an_instances_service_may_be_elsewhere(environ: dict[str, str], base: str) -> None:
    rim = FakeRim(answers={f"PUT {base}/latest/api/token": (404, b"")})
    assert find_credentials(environ, rim.rim()).access_key is None
    assert len(rim.asked) == 1


def test_an_instance_is_not_asked_when_that_is_turned_off() -> None:
    rim = everything()
    assert find_credentials({"AWS_EC2_METADATA_DISABLED": "TRUE"}, rim.rim()).access_key is None
    assert rim.asked == []


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"PUT /latest/api/token": (403, b"")}, None),
        ({"GET roles": (404, b"")}, None),
        ({"GET roles": (500, b"")}, Unavailable),
        ({"GET reader": (404, b"")}, Unavailable),
        ({"GET reader": (200, b"<html>")}, Unavailable),
        ({"GET reader": (200, b"[]")}, Unavailable),
        ({"GET reader": (200, handed_out("AKIA", Code="Failed"))}, Unavailable),
        ({"GET reader": (200, handed_out("AKIA", Token=None))}, Unavailable),
        ({"GET reader": (200, handed_out("AKIA", Expiration="soon"))}, Unavailable),
        ({"GET reader": (200, handed_out("AK IA"))}, Unavailable),
    ],
)
def test_an_instance_without_a_role_is_passed_over_and_a_broken_answer_is_not(
    answers: dict[str, Answer], error: type[BurgeeError] | None
) -> None:
    rim = everything()
    places = {"PUT /latest/api/token": f"PUT {METADATA}/latest/api/token", "GET roles": f"GET {ROLES}"}
    for place, answer in answers.items():
        rim.answers[places.get(place, f"GET {ROLES}reader")] = answer
    if error is None:
        assert find_credentials({}, rim.rim()).access_key is None
        return
    with pytest.raises(error):
        find_credentials({}, rim.rim())


# Held, and renewed


def instance(*answers: Answer) -> FakeRim:
    """A machine whose role's credentials are those of `answers`, one after another; the last one for ever."""
    rim = everything()
    left = list(answers)
    rim.answers[f"GET {ROLES}reader"] = lambda _: left.pop(0) if len(left) > 1 else left[0]
    return rim


def of_role(access_key: str, minutes: float) -> Answer:
    return (200, handed_out(access_key, expires_at=NOON + int(minutes * 60_000)))


def looks(rim: FakeRim) -> int:
    return sum(asked.url.endswith("/reader") for asked in rim.asked)


def test_what_does_not_expire_is_looked_for_once() -> None:
    rim = everything()
    held = HeldCredentials(HOME, rim.rim())
    first = held.current()
    rim.files.clear()
    rim.clock.advance(10**12)
    assert held.current() is first


def test_credentials_are_renewed_five_minutes_before_they_expire() -> None:
    rim = instance(of_role("AKIAONE", 60), of_role("AKIATWO", 120))
    held = HeldCredentials({}, rim.rim())
    found = []
    for minutes in (0, 54.99, 0.02, 59.99, 0.02):
        rim.clock.advance(int(minutes * 60_000))
        found.append(held.current().access_key)
    assert found == ["AKIAONE", "AKIAONE", "AKIATWO", "AKIATWO", "AKIATWO"]
    assert looks(rim) == 3


def test_what_still_holds_is_used_when_it_cannot_be_renewed_and_not_after_it_has_expired() -> None:
    rim = instance(of_role("AKIAONE", 60), (500, b""))
    held = HeldCredentials({}, rim.rim())
    held.current()
    rim.clock.advance(56 * 60_000)
    assert held.current().access_key == "AKIAONE"
    assert held.current().access_key == "AKIAONE"
    assert looks(rim) == 2
    rim.clock.advance(10_000)
    assert held.current().access_key == "AKIAONE"
    assert looks(rim) == 3
    rim.clock.advance(4 * 60_000)
    with pytest.raises(Unavailable, match="500"):
        held.current()


def test_what_is_handed_out_shortly_before_it_expires_is_not_asked_for_each_time() -> None:
    rim = instance(of_role("AKIAONE", 1))
    held = HeldCredentials({}, rim.rim())
    for _ in range(5):
        held.current()
    assert looks(rim) == 1


def test_refused_credentials_are_looked_for_again_and_only_other_ones_are_news() -> None:
    rim = instance(of_role("AKIAONE", 60), of_role("AKIAONE", 60), of_role("AKIATWO", 120))
    held = HeldCredentials({}, rim.rim())
    first = held.current()
    assert held.renewed(first) is False
    assert held.renewed(first) is True
    assert held.renewed(first) is True
    assert held.current().access_key == "AKIATWO"
    assert looks(rim) == 3


def test_what_is_wrong_with_a_source_is_a_refusal_when_somebody_reads() -> None:
    held = HeldCredentials({"AWS_ACCESS_KEY_ID": "AKIA"}, FakeRim().rim())
    with pytest.raises(Denied, match="no credentials to ask with: AWS_ACCESS_KEY_ID has half of an access key"):
        held.current()


def in_threads(count: int, call: Callable[[], Credentials]) -> tuple[list[Thread], list[Credentials]]:
    found: list[Credentials] = []
    threads = [Thread(target=lambda: found.append(call()), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, found


def held_back(answer: Answer) -> tuple[Callable[[Asked], Answer], Event, Event]:
    """An answer that comes late in this process, and two events: it is asked for; it may come."""
    asked, go_on, here = Event(), Event(), os.getpid()

    def slowly(_: Asked) -> Answer:
        if os.getpid() == here:
            asked.set()
            assert go_on.wait(10)
        return answer

    return slowly, asked, go_on


def test_one_thread_looks_and_the_others_wait_for_what_it_finds() -> None:
    rim = everything()
    rim.answers[f"GET {ROLES}reader"], asked, go_on = held_back(of_role("AKIAONE", 60))
    held = HeldCredentials({}, rim.rim())
    threads, found = in_threads(8, held.current)
    assert asked.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [one.access_key for one in found] == ["AKIAONE"] * 8
    assert looks(rim) == 1


def test_while_one_thread_renews_the_others_go_on_with_what_still_holds() -> None:
    rim = everything()
    rim.answers[f"GET {ROLES}reader"] = of_role("AKIAONE", 60)
    held = HeldCredentials({}, rim.rim())
    held.current()
    rim.clock.advance(56 * 60_000)
    rim.answers[f"GET {ROLES}reader"], asked, go_on = held_back(of_role("AKIATWO", 120))
    threads, found = in_threads(1, held.current)
    assert asked.wait(10)
    assert held.current().access_key == "AKIAONE"
    go_on.set()
    threads[0].join(10)
    assert [one.access_key for one in found] == ["AKIATWO"]
    assert held.current().access_key == "AKIATWO"


def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    rim = everything()
    rim.answers[f"GET {ROLES}reader"], asked, go_on = held_back(of_role("AKIAONE", 60))
    held = HeldCredentials({}, rim.rim())
    threads, _ = in_threads(1, held.current)
    assert asked.wait(10)
    assert in_a_child(lambda: held.current().access_key == "AKIAONE")
    go_on.set()
    threads[0].join(10)
