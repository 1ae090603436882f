"""`burgee doctor` before buckets that are as they should be, and such as are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from burgee.cli.main import run
from burgee.store.s3 import open_s3
from tests.integration.conftest import BUCKET
from tests.publishing import features, files, publish_once
from tests.servers.faulty import Faulty, faulty
from tests.servers.git_cli import a_work_tree
from tests.servers.moto import ANYBODY, REGION, Keys, Moto
from tests.servers.registry import READER, Auth, registry
from tests.servers.static import static_files

pytestmark = pytest.mark.integration


URL = f"s3://{BUCKET}/shop"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
PUBLISHED = [f"{BUCKET_ARN}/shop/blobs/*", f"{BUCKET_ARN}/shop/environments/*", f"{BUCKET_ARN}/shop/probe.json"]
RIGHTS: Mapping[str, list[str]] = {
    "s3:GetObject": PUBLISHED,
    "s3:PutObject": PUBLISHED,
    "s3:ListBucket": [BUCKET_ARN],
}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def verdicts(self) -> dict[str, str]:
        """By check, of the table."""
        rows = [line.split() for line in self.out.splitlines()[1:] if not line.startswith("the store")]
        return {check: verdict for check, verdict, *_ in rows}


Doctor = Callable[..., Said]


@pytest.fixture
def doctor(server: Moto, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command with the variables of somebody who asks the server."""

    def asked(*arguments: str, keys: Keys = ANYBODY, **environ: str) -> Said:
        for name, value in server.environ(keys, **environ).items():
            monkeypatch.setenv(name, value)
        code = run(["doctor", *arguments])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return asked


@pytest.fixture
def relay(server: Moto) -> Iterator[Faulty]:
    with faulty(server.url) as running:
        yield running


def a_user(server: Moto, rights: Mapping[str, list[str]]) -> Keys:
    keys = server.make_user("publisher", action="sts:GetCallerIdentity", resource="*")
    for action, resources in rights.items():
        statement = {"Effect": "Allow", "Action": action, "Resource": resources}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        server.client("iam").put_user_policy(
            UserName="publisher", PolicyName=action.replace(":", "-"), PolicyDocument=policy
        )
    return keys


def objects_in(server: Moto) -> list[str]:
    return [each["Key"] for each in server.client().list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def test_a_bucket_that_keeps_its_promises_can_be_published_to_with_the_documented_rights(
    server: Moto, doctor: Doctor
) -> None:
    publisher = a_user(server, RIGHTS)
    with server.enforcing():
        said = doctor("--store", URL, keys=publisher)
    assert said.code == 0, said.out
    assert set(said.verdicts().values()) == {"ok"}
    assert said.out.endswith("the store can be published to\n")
    assert f"address      ok       bucket {BUCKET}, prefix shop/, at {server.url}\n" in said.out
    assert f"access key ...{publisher.access_key[-4:]} of AWS_ACCESS_KEY_ID" in said.out
    assert publisher.secret_key not in said.out
    assert objects_in(server) == ["shop/probe.json"]


def test_json_says_the_rights_who_asks_and_the_clock(server: Moto, doctor: Doctor) -> None:
    said = doctor("--store", f"{URL}?region={REGION}", "--json").json()
    assert said["rights"] == {"read": True, "list": True, "write": True}
    assert said["asked_by"] == f"access key ...{ANYBODY.access_key[-4:]} of AWS_ACCESS_KEY_ID"
    assert abs(said["clock_seconds"]) < 5
    assert (said["store"], said["read_only"], said["fit"]) == (URL, False, True)


@pytest.mark.parametrize(
    ("header", "check", "said"),
    [
        ("if-none-match", "create", "it ignores the conditions of writes; do not publish to it"),
        ("if-match", "stale", "it ignores the conditions of writes; do not publish to it"),
    ],
)
def test_a_service_that_ignores_conditions_is_unfit(
    relay: Faulty, doctor: Doctor, header: str, check: str, said: str
) -> None:
    relay.without = (header,)
    found = doctor("--store", URL, AWS_ENDPOINT_URL=relay.url)
    assert (found.code, found.verdicts()[check]) == (1, "unfit")
    assert said in found.out
    assert found.err.endswith("error: the store must not be published to\n")


@pytest.mark.parametrize(
    ("missing", "right", "checks"),
    [
        ("s3:ListBucket", "list", {"list"}),
        ("s3:PutObject", "write", {"create"}),
        ("s3:GetObject", "read", {"read", "create"}),
    ],
)
def test_a_right_that_is_missing_is_told_and_the_store_is_not_called_unfit(
    server: Moto, doctor: Doctor, missing: str, right: str, checks: set[str]
) -> None:
    keys = a_user(server, {action: resources for action, resources in RIGHTS.items() if action != missing})
    with server.enforcing():
        said = doctor("--store", URL, "--json", keys=keys)
    assert said.code == 3
    fields = said.json()
    assert fields["rights"][right] is False
    denied = {each["check"]: each["detail"] for each in fields["checks"] if each["verdict"] == "denied"}
    assert set(denied) == checks
    assert all(f"burgee needs {missing} on" in detail for detail in denied.values())


def test_a_publisher_that_may_write_only_the_probe_is_told(server: Moto, doctor: Doctor) -> None:
    keys = a_user(server, {**RIGHTS, "s3:PutObject": PUBLISHED[2:]})
    with server.enforcing():
        said = doctor("--store", URL, keys=keys)
    assert said.code == 3
    assert {check for check, verdict in said.verdicts().items() if verdict != "ok"} == {"write"}
    assert objects_in(server) == ["shop/probe.json"]


def test_a_reader_is_checked_as_a_reader_and_nothing_is_written(server: Moto, doctor: Doctor, tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", files(features("a"), features("a")))
    publish_once(repository, open_s3(URL, server.environ()))
    before = objects_in(server)
    reader = server.make_user("reader", action="s3:GetObject", resource=f"{BUCKET_ARN}/shop/*")
    with server.enforcing():
        said = doctor("--store", URL, "--read-only", keys=reader)
        full = doctor("--store", URL, keys=reader)
    assert (said.code, said.out.splitlines()[-1]) == (0, "the store can be read")
    assert said.verdicts() == {"address": "ok", "credentials": "ok", "read": "ok", "releases": "ok"}
    assert "2 documents of last releases are whole" in said.out
    assert full.code == 3
    assert objects_in(server) == before


def test_a_server_whose_clock_is_off_is_a_warning(relay: Faulty, doctor: Doctor) -> None:
    relay.ahead_seconds = -301
    said = doctor("--store", URL, AWS_ENDPOINT_URL=relay.url)
    assert (said.code, said.verdicts()["clock"]) == (0, "warning")
    assert " s behind this machine's; set it right" in said.out


def test_a_bucket_that_cannot_be_reached_and_one_that_is_not_there_are_said(server: Moto, doctor: Doctor) -> None:
    missing = doctor("--store", "s3://no-such-bucket")
    assert (missing.code, missing.verdicts()["read"], missing.verdicts()["create"]) == (3, "failed", "skipped")
    assert "NoSuchBucket" in missing.out
    nowhere = doctor("--store", URL, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (nowhere.code, nowhere.verdicts()["read"]) == (3, "failed")
    assert nowhere.err.endswith("error: the store cannot be published to as it is\n")


def test_without_credentials_nothing_is_tried(
    server: Moto, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    said = doctor("--store", URL, keys=Keys("", ""), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert said.code == 3
    assert said.verdicts() == {"address": "ok", "credentials": "denied"}


def test_an_address_that_is_wrong_is_a_wrong_setting(doctor: Doctor) -> None:
    said = doctor("--store", f"{URL}?secret=x")
    assert (said.code, said.out) == (2, "")
    assert "says region and endpoint and nothing else" in said.err


def test_a_folder_can_be_published_to_and_read_behind_a_web_server(doctor: Doctor, tmp_path: Path) -> None:
    folder = (tmp_path / "store").as_uri()
    said = doctor("--store", folder)
    assert (said.code, said.out.splitlines()[-1]) == (0, "the store can be published to")
    with static_files(tmp_path / "store") as url:
        behind = doctor("--store", url, "--json")
    assert (behind.code, behind.json()["read_only"], behind.json()["asked_by"]) == (0, True, None)
    assert behind.json()["rights"] == {"read": True, "list": None, "write": None}


@pytest.mark.parametrize("auth", ["none", "basic"])
def test_a_registry_can_be_published_to_with_a_warning(
    auth: Auth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with registry(tmp_path / "registry", auth) as running:
        for name, value in (running.environ() if auth == "basic" else {}).items():
            monkeypatch.setenv(name, value)
        code = run(["doctor", running.url(), "--json"])
    said = json.loads(capsys.readouterr().out)
    verdicts = {check["check"]: check["verdict"] for check in said["checks"]}
    assert (code, said["fit"], said["rights"]) == (0, True, {"read": True, "list": True, "write": True})
    assert verdicts == {
        **dict.fromkeys(("address", "credentials", "read", "list", "write", "tag"), "ok"),
        "primary": "warning",
    }


def test_who_may_only_read_a_registry_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with registry(tmp_path / "registry", "token") as running:
        for name, value in running.environ(READER).items():
            monkeypatch.setenv(name, value)
        code = run(["doctor", running.url(), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (code, said["rights"]) == (3, {"read": True, "list": True, "write": False})
