"""What every signer does: a key in a file, and keys in the services of three clouds, played on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from burgee.bundle.head import append, encode_head
from burgee.bundle.signed import ECDSA_P256, ED25519, read_public_key
from burgee.core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from burgee.fetch.verify import Verifier
from burgee.sign.azure import AzureKey
from burgee.sign.key_file import make_key
from burgee.sign.opening import open_signer, open_signers
from burgee.sign.port import Signer
from burgee.sign.remote import RemoteSigner
from burgee.sign.signing import is_ours, needs_resigning, signed_head
from tests.fakes.clock import NOON
from tests.fakes.publisher import a_document, a_release
from tests.servers.key_services import STRANGER, TOKEN, CloudKms, KeyVault, cloud_kms, key_vault
from tests.servers.moto import REGION, Moto, moto

pytestmark = pytest.mark.integration

VERSION = "projects/acme/locations/europe-west3/keyRings/flags/cryptoKeys/releases/cryptoKeyVersions/1"
HOUR = 3_600_000


class Somebody:
    """An identity of Microsoft's with one token."""

    def __init__(self, token: str = TOKEN) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://vault.azure.net/.default",)
        return AccessToken(self._token, NOON // 1000 * 2)


@dataclass(frozen=True)
class Keys:
    """How keys are come by: a good one, one that is not there, one of another kind; and who may not use them."""

    algorithm: str
    good: Callable[[], Signer]
    missing: Callable[[], Signer]
    of_another_kind: Callable[[], Signer]
    missing_is: type[BurgeeError] = NotFound
    denied: Callable[[], Signer] | None = None
    unreachable: Callable[[], Signer] | None = None


def in_a_file(folder: Path) -> Keys:
    def good() -> Signer:
        if not (folder / "key.pem").exists():
            make_key(folder / "key.pem")
        return open_signer((folder / "key.pem").as_uri(), {})

    def other() -> Signer:
        path = folder / "other.pem"
        path.touch(0o600)
        key = ec.generate_private_key(ec.SECP256R1())
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return open_signer(path.as_uri(), {})

    missing = (folder / "missing.pem").as_uri()
    return Keys(ED25519, good, lambda: open_signer(missing, {}), other, missing_is=ConfigurationError)


def in_aws(running: Moto) -> Keys:
    kms = running.client("kms")

    def made(spec: str, usage: str = "SIGN_VERIFY") -> str:
        return str(kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"])

    if "alias/burgee" not in {each["AliasName"] for each in kms.list_aliases()["Aliases"]}:
        kms.create_alias(AliasName="alias/burgee", TargetKeyId=made("ECC_NIST_P256"))
    environ = running.environ()
    return Keys(
        ECDSA_P256,
        lambda: open_signer("awskms:///alias/burgee", environ),
        lambda: open_signer("awskms:///alias/nothing", environ),
        lambda: open_signer(f"awskms:///{made('RSA_2048')}", environ),
        unreachable=lambda: open_signer(f"awskms:///alias/burgee?region={REGION}&endpoint=http://127.0.0.1:9", environ),
    )


def in_azure(vault: KeyVault) -> Keys:
    def opened(url: str, token: str = TOKEN) -> Signer:
        return RemoteSigner(url, AzureKey(url, {}, Somebody(token)))

    good = vault.make_key("releases")
    return Keys(
        ECDSA_P256,
        lambda: opened(good),
        lambda: opened(good.replace("releases", "nothing")),
        lambda: opened(vault.make_key("wide", curve=ec.SECP384R1())),
        denied=lambda: opened(good, STRANGER),
        unreachable=lambda: opened("azurekms://localhost:9/keys/releases"),
    )


def in_google(service: CloudKms) -> Keys:
    good = service.make_key(VERSION)
    return Keys(
        ECDSA_P256,
        lambda: open_signer(good, service.environ()),
        lambda: open_signer(good[:-1] + "2", service.environ()),
        lambda: open_signer(service.make_key(VERSION[:-1] + "3", ec.SECP384R1()), service.environ()),
        denied=lambda: open_signer(good, service.environ(STRANGER)),
        unreachable=lambda: open_signer(
            good, service.environ() | {"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": "http://127.0.0.1:9"}
        ),
    )


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Moto, KeyVault, CloudKms]]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("vault")
        yield stack.enter_context(moto()), stack.enter_context(key_vault(folder)), stack.enter_context(cloud_kms())


@pytest.fixture(params=["file", "awskms", "azurekms", "gcpkms"])
def keys(
    request: pytest.FixtureRequest,
    servers: tuple[Moto, KeyVault, CloudKms],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Keys:
    aws, vault, google = servers
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(vault.certificate))
    match request.param:
        case "file":
            return in_a_file(tmp_path)
        case "awskms":
            return in_aws(aws)
        case "azurekms":
            return in_azure(vault)
        case _:
            return in_google(google)


def test_what_a_signer_signs_its_public_key_verifies(keys: Keys) -> None:
    signer = keys.good()
    signature = signer.sign(b"a message")
    key = read_public_key(signer.public_key().text)
    assert key.algorithm == keys.algorithm
    assert key.verifies(b"a message", signature)
    assert not key.verifies(b"another message", signature)
    assert not key.verifies(b"a message", signature[:-1])


def test_a_message_of_any_length_is_signed(keys: Keys) -> None:
    signer, message = keys.good(), b"x" * 1_000_000
    assert signer.public_key().verifies(message, signer.sign(message))
    assert signer.public_key().verifies(b"", signer.sign(b""))


def test_a_key_is_known_by_the_same_id_whoever_opens_it(keys: Keys) -> None:
    assert keys.good().public_key().id == keys.good().public_key().id
    assert len(keys.good().public_key().id) == 16


def test_a_head_that_was_signed_is_believed_by_who_has_the_public_key(keys: Keys) -> None:
    signer = keys.good()
    release = a_release(None, {"default": a_document()}, at=NOON, environment="staging")
    head = signed_head(append(None, release, max_reader_ttl_seconds=60), [signer], expires_at=NOON + HOUR)
    verifier = Verifier([signer.public_key().text], now=lambda: NOON)
    assert verifier.decode(encode_head(head)) == head
    assert is_ours(head, [signer])
    assert not needs_resigning(head, [signer], now=NOON, validity_ms=HOUR)


def test_a_key_that_is_not_there_is_told(keys: Keys) -> None:
    with pytest.raises(keys.missing_is):
        keys.missing().public_key()


def test_a_key_of_another_kind_is_refused(keys: Keys) -> None:
    with pytest.raises(ConfigurationError, match=r"Ed25519|wanted"):
        keys.of_another_kind().public_key()


# Whoever asks may use a file, if it can be read, and moto's keys.
@pytest.mark.parametrize("keys", ["azurekms", "gcpkms"], indirect=True)
def test_who_may_not_sign_is_told_what_is_needed(keys: Keys) -> None:
    assert keys.denied is not None
    with pytest.raises(Denied, match="a publisher needs"):
        keys.denied().sign(b"a message")


@pytest.mark.parametrize("keys", ["awskms", "azurekms", "gcpkms"], indirect=True)
def test_a_service_that_cannot_be_reached_is_unavailable(keys: Keys) -> None:
    assert keys.unreachable is not None
    with pytest.raises(Unavailable):
        keys.unreachable().sign(b"a message")


# Of single services


def test_a_signature_that_was_damaged_on_its_way_is_asked_for_again(
    servers: tuple[Moto, KeyVault, CloudKms],
) -> None:
    service = servers[2]
    signer = open_signer(service.make_key(VERSION), service.environ())
    service.damages = 1
    assert signer.public_key().verifies(b"a message", signer.sign(b"a message"))
    service.damages = 2
    with pytest.raises(Unavailable, match="damaged"):
        signer.sign(b"a message")


def test_a_digest_that_google_has_not_checked_is_not_taken_as_signed(
    servers: tuple[Moto, KeyVault, CloudKms], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = servers[2]
    signer = open_signer(service.make_key(VERSION), service.environ())
    monkeypatch.setattr(service, "forgets_digest", True)
    with pytest.raises(Unavailable, match="damaged"):
        signer.sign(b"a message")


def test_a_key_of_a_vault_stays_at_the_version_that_was_current_first(
    servers: tuple[Moto, KeyVault, CloudKms], monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = servers[1]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(vault.certificate))
    url = vault.make_key("rotated", "1" * 32)
    signer = RemoteSigner(url, AzureKey(url, {}, Somebody()))
    before = signer.public_key()
    vault.make_key("rotated", "2" * 32)
    assert before.verifies(b"a message", signer.sign(b"a message"))
    assert vault.asked[-1] == f"POST /keys/rotated/{'1' * 32}/sign"
    newer = RemoteSigner(url, AzureKey(url, {}, Somebody()))
    named = RemoteSigner(f"{url}/{'1' * 32}", AzureKey(f"{url}/{'1' * 32}", {}, Somebody()))
    assert newer.public_key().id != before.id == named.public_key().id


def test_a_key_in_aws_is_named_by_its_arn_too_which_says_the_region(servers: tuple[Moto, KeyVault, CloudKms]) -> None:
    kms = servers[0].client("kms")
    arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    environ = {name: value for name, value in servers[0].environ().items() if name != "AWS_REGION"}
    signer = open_signer(f"awskms://{arn}", environ)
    assert signer.public_key().verifies(b"a message", signer.sign(b"a message"))


def test_a_key_that_is_disabled_in_aws_is_a_mistake_of_the_deployment(
    servers: tuple[Moto, KeyVault, CloudKms],
) -> None:
    kms = servers[0].client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signer = open_signer(f"awskms:///{key}", servers[0].environ())
    signer.public_key()
    kms.disable_key(KeyId=key)
    with pytest.raises(ConfigurationError, match="disabled"):
        signer.sign(b"a message")


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    make_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        open_signer((tmp_path / "key.pem").as_uri(), {})


def test_a_key_that_a_pods_group_may_read_is_taken(tmp_path: Path) -> None:
    made = make_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o440)
    assert open_signer((tmp_path / "key.pem").as_uri(), {}).public_key().id == made.id


def test_no_key_is_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem")
    before = (tmp_path / "key.pem").read_bytes()
    with pytest.raises(ConfigurationError, match="there is a file"):
        make_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").read_bytes() == before
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def with_a_password() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


def of_rsa() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("content", [lambda: b"", lambda: b"\xff" * 100_000, with_a_password, of_rsa])
def test_a_file_without_such_a_key_is_told_and_not_shown(tmp_path: Path, content: Callable[[], bytes]) -> None:
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_bytes(content())
    with pytest.raises(ConfigurationError, match="burgee key make") as told:
        open_signer(path.as_uri(), {})
    assert "BEGIN" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        *("key.pem", "file://host/key.pem", "file:key.pem", "file:///key.pem?x=1", "pkcs11://x", "-----BEGIN PRIVATE"),
        *("awskms://", "awskms:///alias/a?colour=red", "awskms:///alias/a?region=nowhere at all"),
        *("azurekms:///keys/a", "azurekms://acme.vault.azure.net/secrets/a", "azurekms://a.vault.azure.net/keys/a/b"),
        *("gcpkms://projects/a", "gcpkms://" + VERSION[:-2], "gcpkms://" + VERSION + "?x=1"),
    ],
)
def test_a_url_that_names_no_key_is_told(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_signers([url], {})
