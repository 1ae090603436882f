"""Secrets that the deployment keeps elsewhere: variables that name them, and variables that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Generic, TypeVar

from ..core.errors import BurgeeError, ConfigurationError, Denied, Unavailable
from ..queue.sqs import NOBODY

_Opened = TypeVar("_Opened")
_SUFFIX = "_ARN"
_FRESH_MS = 300_000
_CONNECT_SECONDS = 1
_READ_SECONDS = 3
Read = Callable[[str], str | None]


def with_secrets(environ: Mapping[str, str], read: Read) -> dict[str, str]:
    """The variables, with each BURGEE_..._ARN replaced by a BURGEE_... that holds what `read` finds there.

    A secret that has no value (None) counts as a variable that is not set.
    """
    named = {
        name: arn for name, arn in environ.items() if name.startswith("BURGEE_") and name.endswith(_SUFFIX) and arn
    }
    found = {name.removesuffix(_SUFFIX): read(arn) for name, arn in named.items()}
    kept = {name: value for name, value in environ.items() if name not in named}
    return kept | {name: value.strip() for name, value in found.items() if value}


class Renewed(Generic[_Opened]):
    """What is opened from variables and secrets, and opened again when these have changed; looked at now and then."""

    def __init__(
        self,
        open_from: Callable[[Mapping[str, str]], _Opened],
        environ: Mapping[str, str],
        *,
        read: Read,
        now: Callable[[], int],
        say: Callable[[str, Mapping[str, object]], object],
    ) -> None:
        """`now` is in milliseconds; `say` writes a line with fields to the log."""
        self._open = open_from
        self._environ = environ
        self._read = read
        self._now = now
        self._say = say
        self._held: tuple[dict[str, str], _Opened] | None = None
        self._looked_at = 0

    def __call__(self) -> _Opened:
        """What is open. Raises what opening raises; what was open stays good while that cannot be done again."""
        # A clock that was set back makes a look due, not eternal.
        if self._held is not None and 0 <= self._now() - self._looked_at < _FRESH_MS:
            return self._held[1]
        try:
            environ = with_secrets(self._environ, self._read)
            if self._held is None or self._held[0] != environ:
                self._held = environ, self._open(environ)
        except BurgeeError as error:
            if self._held is None:
                raise
            self._say("secrets not renewed, the last ones go on", {"reason": str(error)})
        self._looked_at = self._now()
        return self._held[1]


def open_secrets(environ: Mapping[str, str]) -> Read:
    """What reads the value of a secret of AWS Secrets Manager by its ARN, None while it has none.

    It raises Denied and Unavailable. Raises ConfigurationError without boto3.
    """
    try:
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError as error:
        raise ConfigurationError("AWS Secrets Manager needs boto3: install burgee with the extra `aws`") from error

    config = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries={"total_max_attempts": 2})

    @cache
    def client(region: str) -> Any:
        return Session(region_name=region).client("secretsmanager", config=config)

    def read(arn: str) -> str | None:
        region = _region(arn)
        try:
            value: str | None = client(region).get_secret_value(SecretId=arn).get("SecretString")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ResourceNotFoundException":
                return None
            kind = Denied if code in ("AccessDenied", "AccessDeniedException") else Unavailable
            raise kind(f"cannot read secret {arn}: {error}") from error
        except NoCredentialsError as error:
            raise Denied(f"cannot read secret {arn}: {NOBODY}") from error
        except (BotoCoreError, ValueError) as error:
            raise Unavailable(f"cannot read secret {arn}: {error}") from error
        return value

    return read


def _region(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) != 7 or parts[2] != "secretsmanager" or not parts[3]:
        raise ConfigurationError(
            f"wanted the ARN of a secret, as arn:aws:secretsmanager:eu-central-1:123456789012:secret:name, got {arn!r}"
        )
    return parts[3]
