"""Who reads from a registry: a login of variables or of Docker's configuration, and tokens in exchange for it.

Law: a login goes to the place that the registry names and nowhere else; nobody is asked before the registry wants it.
"""

from __future__ import annotations

from ..bundle.oci_auth import NOBODY, config_login, config_path, login_of, read_challenge, token_address
from ..core.errors import ConfigurationError
from .bearer import HeldToken, Token, granted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bundle.oci_address import OciAddress
    from ..bundle.oci_auth import Challenge, Login
    from .connections import Patience
    from .rim import Rim

# Registries give tokens for a minute or a few, and those that do not say it for one.
_RENEWED_BEFORE_MS = 10_000
_UNTOLD_SECONDS = 60


class _Basic(Token):
    """A name and a password, as a header has them."""

    __slots__ = ()

    def headers(self) -> dict[str, str]:
        return {"Authorization": self.text}


class OciTokens:
    """What is shown to a registry, from its first challenge on; safe among threads and after a fork."""

    __slots__ = ("_address", "_challenge", "_environ", "_held", "_patience", "_rim")

    def __init__(self, address: OciAddress, environ: Mapping[str, str], rim: Rim, patience: Patience) -> None:
        self._address = address
        self._environ = environ
        self._rim = rim
        self._patience = patience
        self._challenge: Challenge | None = None
        self._held = HeldToken(self._find, rim.now, wanted=f"a token for {address.url}", early_ms=_RENEWED_BEFORE_MS)

    def current(self) -> Token:
        """What to ask with. Raises Denied and Unavailable while there is nothing that still holds."""
        token: Token = self._held.current()
        return token

    def renewed(self, header: str, refused: Token) -> bool:
        """Whether there is another to meet the challenge of a WWW-Authenticate header with. Raises as `current`."""
        self._challenge = read_challenge(header) or self._challenge
        return self._held.renewed(refused)

    def _find(self) -> Token:
        login, source = self._login()
        challenge, address = self._challenge, self._address
        if challenge is None:
            return Token(None, None, source)
        if challenge.scheme == "basic":
            return _Basic(login.basic(), None, source) if login else Token(None, None, source)
        from urllib.parse import urlencode

        realm, fields = token_address(challenge, address.base, address.repository, "pull")
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(fields)}"
        headers = {"Authorization": login.basic()} if login else {}
        now = self._rim.now()
        reply = self._rim.ask("GET", url, headers, b"", self._patience)
        return granted(reply, now=now, source=source, seconds=_UNTOLD_SECONDS)

    def _login(self) -> tuple[Login | None, str]:
        """The login, None without, and words for who that is."""
        from json import loads

        login, path = login_of(self._environ, self._address.registry), config_path(self._environ)
        if login is None and path is not None:
            try:
                config = loads(self._rim.read(path))
                login = config_login(config, self._address.registry, path)
                if login is None and (config.get("credsStore") or config.get("credHelpers")):
                    return None, f"{NOBODY}; {path} leaves logins to a program, which readers do not run"
            except (FileNotFoundError, NotADirectoryError):
                pass
            except (OSError, ValueError, AttributeError, RecursionError) as error:
                raise ConfigurationError(f"{path} cannot be read as Docker's configuration: {error}") from error
        return login, login.shown() if login else NOBODY
