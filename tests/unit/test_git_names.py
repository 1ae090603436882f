"""Names, addresses, revisions: the text that people and repositories exchange."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from burgee.core.errors import ConfigurationError, InvalidRequest
from burgee.git.address import identity_of, is_foreign, is_remote, split_credentials
from burgee.git.http import _proxy
from burgee.git.names import is_plain, line_text, name_bytes, name_text
from burgee.git.refs import no_ref
from burgee.git.repository import open_repository
from burgee.git.revision import parse_revision


@given(st.binary())
def test_the_text_of_a_name_is_one_printable_line_and_can_be_turned_back(name: bytes) -> None:
    """Law: the text of a name is one printable line and can be turned back."""
    text = name_text(name)
    assert name_bytes(text) == name
    assert len(text.splitlines()) <= 1
    text.encode()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"features.yaml", "features.yaml"),
        ("café.yaml".encode(), "café.yaml"),
        (b"a\nb", "a\\x0ab"),
        (b"\xff", "\\xff"),
        (b"a\\b", "a\\\\b"),
        ("\u2028".encode(), "\\xe2\\x80\\xa8"),
        (b"\x1b[31m", "\\x1b[31m"),
    ],
)
def test_names_are_shown(name: bytes, text: str) -> None:
    assert name_text(name) == text


def test_a_line_keeps_its_backslashes() -> None:
    assert line_text(b"C:\\x\n") == "C:\\x\\x0a"


@pytest.mark.parametrize("name", [b"", b".", b"..", b".git", b".GIT", b"a/b", b"a\0"])
def test_names_that_git_does_not_check_out_are_not_plain(name: bytes) -> None:
    assert not is_plain(name)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/flags",
        "https://github.com/acme/flags.git",
        "https://github.com/acme/flags/",
        "https://ann:tok3n@GitHub.com:443/acme/flags.git/",
        "https://tok3n@github.com/acme/flags?x=y#z",
        "git@github.com:acme/flags.git",
        "ssh://git@github.com:22/acme/flags.git",
        "git://github.com/acme/flags",
    ],
)
def test_every_spelling_of_an_address_has_one_identity(address: str) -> None:
    assert identity_of(address) == "https://github.com/acme/flags"


def test_a_port_of_its_own_and_plain_http_belong_to_an_identity() -> None:
    assert identity_of("http://u:p@127.0.0.1:8080/git/demo.git") == "http://127.0.0.1:8080/git/demo"
    assert identity_of("http://[::1]:8080/git/demo") == "http://[::1]:8080/git/demo"


def test_paths_become_file_urls() -> None:
    assert identity_of("/srv/my flags.git") == "file:///srv/my%20flags"
    assert identity_of("file:///srv/my%20flags.git/") == "file:///srv/my%20flags"


@pytest.mark.parametrize(
    ("address", "token", "user", "password"),
    [
        ("https://h/x", "s3cret", "x-access-token", "s3cret"),
        ("https://oauth2@h/x", "s3cret", "oauth2", "s3cret"),
        ("https://ann:p%40ss@h/x", None, "ann", "p@ss"),
        ("https://s3cret@h/x", None, "x-access-token", "s3cret"),
    ],
)
def test_credentials_come_from_the_token_or_the_address(
    address: str, token: str | None, user: str, password: str
) -> None:
    clean, credentials = split_credentials(address, token)
    assert clean == "https://h/x" and credentials is not None
    assert (credentials.user, credentials.password) == (user, password)
    assert password not in repr(credentials)


@pytest.mark.parametrize("address", ["http://", "https://tok3n@h:port/x", "http://[tok3n/x"])
def test_an_address_without_a_usable_host_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(ConfigurationError, match="without a usable host") as refused:
        open_repository(address)
    assert "tok3n" not in str(refused.value)


def test_other_protocols_are_refused() -> None:
    assert is_foreign("git@github.com:acme/flags") and is_foreign("ssh://h/x") and not is_foreign("./a/b")
    assert is_remote("HTTPS://h/x") and not is_remote("/x")
    with pytest.raises(ConfigurationError, match="use https"):
        open_repository("git@github.com:acme/flags")


@pytest.mark.parametrize(
    ("revision", "base", "steps"),
    [
        ("main", "main", ()),
        ("HEAD~2", "HEAD", (1, 1)),
        ("HEAD^", "HEAD", (1,)),
        ("v1.0^2~1^0", "v1.0", (2, 1)),
        ("origin/topic/x~", "origin/topic/x", (1,)),
    ],
)
def test_revisions_are_a_name_and_steps(revision: str, base: str, steps: tuple[int, ...]) -> None:
    assert parse_revision(revision) == (base, steps)


@pytest.mark.parametrize("revision", ["", "-x", "a:b", "HEAD@{1}", "a..b", "a b", "~1", "a\nb", "HEAD~999999"])
def test_other_revisions_are_refused(revision: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_revision(revision)


def test_a_missing_branch_names_at_most_ten() -> None:
    error = no_ref("zz", [f"refs/heads/b{number}" for number in range(14)], "here")
    assert "and 4 more" in str(error)


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:1", "NO_PROXY": "example.com"}, None),
        ({"ALL_PROXY": "http://p:2"}, "http://p:2"),
    ],
)
def test_the_proxy_is_what_the_environment_says(environ: dict[str, str], proxy: str | None) -> None:
    assert _proxy("https://git.example.com/x", environ) == proxy
