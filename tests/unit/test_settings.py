"""Variables become Settings, and a wrong one is named."""

from __future__ import annotations

import pytest

from burgee.core.errors import ConfigurationError
from burgee.git.host import KINDS
from burgee.settings import VARIABLES, read_settings

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_without_variables_everything_has_its_default() -> None:
    settings = read_settings({})
    assert settings._asdict() == {field: default for field, (_name, _read, default) in VARIABLES.items()}
    assert (settings.ttl_ms, settings.auth, settings.port, settings.directory) == (10_000, "token", 8080, ".burgee")


def test_an_empty_variable_counts_as_absent() -> None:
    assert read_settings({name: "" for name, _read, _default in VARIABLES.values()}) == read_settings({})


@pytest.mark.parametrize("variable", ["BURGEE_VERIFY_KEYS", "BURGEE_SIGNING_KEYS"])
@pytest.mark.parametrize("text", [",", " , ,"])
def test_a_list_of_keys_without_a_key_is_refused(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable} lists keys"):
        read_settings({variable: text})


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("BURGEE_TTL", "0.5", "ttl_ms", 500),
        ("BURGEE_TTL", "0.001", "ttl_ms", 1),
        ("BURGEE_TTL", "86400", "ttl_ms", 86_400_000),
        ("BURGEE_AUTH", "none", "auth", "none"),
        ("BURGEE_TOKENS", f" {DIGEST} ,, {DIGEST}", "tokens", (DIGEST, DIGEST)),
        ("BURGEE_TOKENS", f"{DIGEST}   a/b  c , {DIGEST}", "tokens", (f"{DIGEST} a/b c", DIGEST)),
        ("BURGEE_TOKENS_FILE", "/run/tokens", "tokens_file", "/run/tokens"),
        ("BURGEE_CORS_ORIGINS", "*, https://a.example", "cors_origins", ("*", "https://a.example")),
        ("BURGEE_ALLOWED_MIRRORS", "s3://a/*, gs://b", "allowed_mirrors", ("s3://a/*", "gs://b")),
        ("BURGEE_ENVIRONMENT", "eu-1", "environment", "eu-1"),
        ("BURGEE_REFRESH_SECRET", "0123456789abcdef", "refresh_secret", "0123456789abcdef"),
        (
            "BURGEE_REFRESH_URLS",
            "https://a/hooks/refresh, http://b:1",
            "refresh_urls",
            ("https://a/hooks/refresh", "http://b:1"),
        ),
        ("BURGEE_VERIFY_KEYS", "ed25519:a+/=, ed25519:b", "verify_keys", ("ed25519:a+/=", "ed25519:b")),
        ("BURGEE_VERIFY_REPOSITORY", "https://a/b", "verify_repository", "https://a/b"),
        ("BURGEE_SIGNING_KEYS", "file:///a, awskms:///b", "signing_keys", ("file:///a", "awskms:///b")),
        ("BURGEE_SIGNATURE_VALIDITY", "600", "signature_validity_ms", 600_000),
        ("PORT", "0", "port", 0),
        ("PORT", "65535", "port", 65_535),
    ],
)
def test_a_variable_becomes_its_field(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(read_settings({variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "texts"),
    [
        ("BURGEE_TTL", ["0", "-1", "0.0001", "86401", "nan", "inf", "x", "10s", "1_0"]),
        ("BURGEE_AUTH", ["None", "tokens", "off"]),
        ("BURGEE_TOKENS", ["secret", "sha256:12", DIGEST.upper(), DIGEST + "0", f"{DIGEST},x"]),
        ("BURGEE_ENVIRONMENT", ["Production", "a/b", "../x", "-a", "a b", "a" * 64]),
        ("BURGEE_REFRESH_SECRET", ["short", "0123456789abcde", "0123456789abcde\udcff", "0123456789abcde\n"]),
        ("BURGEE_REFRESH_URLS", ["flags.example.org", "ftp://a", "https://", "https:///hooks", "https://a,b"]),
        ("BURGEE_REFRESH_URLS", ["http://[::1/hooks/refresh", "http://a:b/", "http://a:65536/", "http://a:0/"]),
        ("PORT", ["65536", "-1", "http", "80.0", "٣", "²", "9" * 5000, "8 0"]),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(variable: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ConfigurationError, match=rf"^{variable} ") as refusal:
            read_settings({variable: text})
        assert refusal.value.exit_code == 2


def test_a_wrong_token_digest_is_not_repeated_for_it_may_be_the_token_itself() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"BURGEE_TOKENS": "my-secret"})
    assert "my-secret" not in str(refusal.value)


def test_a_long_wrong_value_is_cut_in_the_message() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"PORT": "9" * 5000})
    assert len(str(refusal.value)) < 200


def test_a_short_refresh_secret_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"BURGEE_REFRESH_SECRET": "my-secret"})
    assert "my-secret" not in str(refusal.value)


def test_the_kinds_of_git_hosts_are_those_that_there_are() -> None:
    for kind in KINDS:
        assert read_settings({"BURGEE_GIT_HOST": kind}).git_host == kind
    with pytest.raises(ConfigurationError, match=", ".join(KINDS)):
        read_settings({"BURGEE_GIT_HOST": "sourceforge"})


def test_a_reference_that_azure_could_not_resolve_is_no_secret() -> None:
    value = "@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/webhook)"
    with pytest.raises(ConfigurationError, match="BURGEE_WEBHOOK_SECRET is a reference to Key Vault") as raised:
        read_settings({"BURGEE_WEBHOOK_SECRET": value})
    assert "acme.vault" not in str(raised.value)


def test_blanks_and_line_ends_around_a_value_are_none_of_it_and_a_blank_one_is_absent() -> None:
    said = read_settings({"BURGEE_GIT_TOKEN": " ", "BURGEE_WEBHOOK_SECRET": "sixteen-characters\n"})
    assert (said.token, said.webhook_secret) == (None, "sixteen-characters")
