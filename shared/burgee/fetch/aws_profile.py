"""What the files that Amazon's tools share, `~/.aws/config` and `~/.aws/credentials`, say of the chosen profile."""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Read = Callable[[str], bytes]

# What a profile may have instead of keys. To read it takes a browser, a program of somebody's, or another role.
_UNREAD = ("sso_session", "sso_start_url", "login_session", "credential_process", "role_arn")

_NEVER_IN_KEYS = frozenset(" \"'")


class Profile(namedtuple("Profile", "name chosen files fields")):
    """`chosen` is whether a variable names it; `files` were looked into; `fields` is None when no file has it."""

    __slots__ = ()

    def region(self) -> str | None:
        """The region it names."""
        return self.fields.get("region") if self.fields else None

    def credentials(self) -> Credentials | None:
        """Its keys, or None when it has none.

        Raises ConfigurationError for half of them, and for a profile that somebody chose and that is not there or has
        what burgee does not read.
        """
        if self.fields is None:
            if self.chosen:
                raise ConfigurationError(
                    f"AWS_PROFILE names {self.name!r}, which is in none of {', '.join(self.files)}"
                )
            return None
        source = f"profile {self.name!r}"
        found = checked_credentials(
            self.fields.get("aws_access_key_id"),
            self.fields.get("aws_secret_access_key"),
            self.fields.get("aws_session_token"),
            source=source,
        )
        if found is None and self.chosen and (unread := self.unread()):
            raise ConfigurationError(unread)
        return found

    def unread(self) -> str:
        """What it has that burgee does not read, and what to do; empty when there is nothing."""
        had = [name for name in _UNREAD if name in (self.fields or {})]
        if not had:
            return ""
        return (
            f"profile {self.name!r} has {had[0]}, which burgee does not read; put what it leads to into variables: "
            f'eval "$(aws configure export-credentials --profile {self.name} --format env)"'
        )


def read_profile(environ: Mapping[str, str], read: Read) -> Profile:
    """The profile of AWS_PROFILE, else `default`. Raises ConfigurationError for a file that cannot be read."""
    chosen = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    name = chosen or "default"
    config = _path(environ, "AWS_CONFIG_FILE", "config")
    credentials = _path(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
    named = {_profile_of(section): fields for section, fields in _sections(config, read).items()}
    parts = [part for part in (named.get(name), _sections(credentials, read).get(name)) if part is not None]
    files = tuple(path for path in (config, credentials) if path)
    # What both files say is taken from the one for credentials, as Amazon's tools do.
    return Profile(name, bool(chosen), files, {key: part[key] for part in parts for key in part} if parts else None)


def checked_credentials(
    access_key: str | None, secret_key: str | None, token: str | None, *, source: str, expires_at: int | None = None
) -> Credentials | None:
    """Them, or None when there is neither key. Raises ConfigurationError, showing none, for what cannot be a key."""
    if not access_key and not secret_key:
        return None
    if not access_key or not secret_key:
        raise ConfigurationError(f"{source} has half of an access key; give its id and its secret")
    for text in (access_key, secret_key, token or ""):
        if not text.isascii() or not text.isprintable() or set(text) & _NEVER_IN_KEYS:
            raise ConfigurationError(f"{source} has a key or token with blanks, line ends or quotes; remove them")
    return Credentials(access_key, secret_key, token or None, expires_at, source)


def _path(environ: Mapping[str, str], variable: str, name: str) -> str | None:
    home = environ.get("HOME") or environ.get("USERPROFILE")
    path = environ.get(variable) or (f"{home}/.aws/{name}" if home else None)
    return f"{home}{path[1:]}" if path and home and path.startswith("~/") else path


def _sections(path: str | None, read: Read) -> dict[str, dict[str, str]]:
    if path is None:
        return {}
    try:
        content = read(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}; check its owner and mode") from error
    return parsed(content.decode("utf-8-sig", "replace"))


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Fields by section; lines deeper than the field above belong to it, and are left out."""
    sections: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    depth: int | None = None
    for line in text.splitlines():
        plain = line.strip()
        indent = len(line) - len(line.lstrip())
        if not plain or plain[0] in "#;" or (depth is not None and indent > depth):
            continue
        if plain[0] == "[":
            fields = sections.setdefault(plain[1:].partition("]")[0].strip(), {})
            depth = None
            continue
        name, _, value = plain.partition("=")
        fields[name.strip().lower()] = value.strip()
        depth = indent
    return sections


def _profile_of(section: str) -> str | None:
    """The profile that a section of the config file is about; `sso-session` and the like are about none."""
    kind, _, name = section.partition(" ")
    if kind == "profile" and name:
        return name.strip().strip("\"'")
    return section if section == "default" else None
