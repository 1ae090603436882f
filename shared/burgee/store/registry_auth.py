"""How a publisher shows a registry who it is, in the place where oras asks for it.

Law: a login goes to the registry and to the place for tokens that it names; a token goes to the registry alone.
"""

from __future__ import annotations

from collections.abc import Callable
from json import loads
from threading import Lock
from urllib.parse import urlsplit

from requests import Response, Session

from ..bundle.oci_address import OciAddress
from ..bundle.oci_auth import NOBODY, Challenge, Login, read_challenge, token_address
from ..core.errors import Denied, InvalidDocument, Unavailable
from .registry_answers import beginning_of, content_of
from .registry_faults import Refused
from .registry_login import IDENTITY

_ANSWER_BYTES = 65_536
# What the specification says of a token that does not say how long it holds.
_UNTOLD_SECONDS = 60
_MOST_SECONDS = 1_000_000
# Of the time that a token holds, the part for which it is used.
_USED = 0.9
_WRITING = ("POST", "PUT", "PATCH", "DELETE")


class Auth:
    """An auth backend of oras' clients; safe among threads.

    Their own ones keep the first token for ever, whatever it allows and however short it holds, and read variables of
    the process.
    """

    def __init__(
        self,
        address: OciAddress,
        session: Session,
        find_login: Callable[[], Login | None],
        *,
        now: Callable[[], float],
    ) -> None:
        """`find_login` is called by the first request that is refused; `now` gives seconds."""
        self._address = address
        self._session = session
        self._find_login = find_login
        self._now = now
        self._login: Login | None = None
        self._looked = False
        self._lock = Lock()
        # What was shown last that was not refused: by actions, with the instant until which it holds.
        self._held: dict[str, tuple[str, float]] = {}

    def headers(self, method: str, url: str) -> dict[str, str]:
        """What a request shows before it is asked."""
        held = self._held.get(_actions(method))
        if held is None or self._now() >= held[1] or not self._is_registry(url):
            return {}
        return {"Authorization": held[0]}

    def authenticate_request(
        self, original: Response, headers: dict[str, str], refresh: bool = False
    ) -> tuple[dict[str, str], bool]:
        """The headers to ask with once more, as oras calls it: after a refusal, `refresh` after the second.

        Raises Refused when there is nothing else to show, Denied and Unavailable when nobody can be asked for it.
        """
        refused = Refused(original.status_code, original.reason, beginning_of(original))
        challenge = read_challenge(original.headers.get("WWW-Authenticate", ""))
        if original.status_code != 401 or refresh or challenge is None or not self._is_registry(original.url):
            raise refused
        actions = _actions(original.request.method or "GET")
        shown, until = self._answer(challenge, actions, was_shown=headers.get("Authorization"))
        if shown is None or shown == headers.get("Authorization"):
            raise refused
        self._held[actions] = (shown, until)
        return {**headers, "Authorization": shown}, True

    def asker(self) -> str:
        """Who asks, as a person may see it. Raises ConfigurationError for a login that is wrong."""
        login = self._looked_up(anew=False)
        return login.shown() if login is not None else NOBODY

    def _answer(self, challenge: Challenge, actions: str, *, was_shown: str | None) -> tuple[str | None, float]:
        """What to show now, and until when."""
        login = self._looked_up(anew=was_shown is not None)
        if challenge.scheme == "basic":
            return (login.basic() if login and login.username != IDENTITY else None), float("inf")
        asked_at = self._now()
        token, seconds = self._token(challenge, actions, login)
        return f"Bearer {token}", asked_at + seconds * _USED

    def _looked_up(self, *, anew: bool) -> Login | None:
        with self._lock:
            if anew or not self._looked:
                self._login, self._looked = self._find_login(), True
            return self._login

    def _token(self, challenge: Challenge, actions: str, login: Login | None) -> tuple[str, int]:
        """A token, and for how many seconds it holds."""
        response = self._asked(challenge, actions, login)
        if response.status_code != 200:
            raise self._no_token(Refused(response.status_code, response.reason, beginning_of(response)), challenge)
        try:
            return _read_token(content_of(response, max_bytes=_ANSWER_BYTES, name=challenge.realm))
        except InvalidDocument as error:
            raise Unavailable(f"{challenge.realm}: {error}") from error

    def _asked(self, challenge: Challenge, actions: str, login: Login | None) -> Response:
        """The answer of the place that gives tokens.

        Where it would be redirected to is no place that the registry has named.
        """
        realm, fields = token_address(challenge, self._address.base, self._address.repository, actions)
        if login is not None and login.username == IDENTITY:
            form = fields | {"grant_type": "refresh_token", "client_id": "burgee", "refresh_token": login.password}
            return self._session.post(realm, data=form, stream=True, allow_redirects=False)
        headers = {"Authorization": login.basic()} if login else {}
        return self._session.get(realm, params=fields, headers=headers, stream=True, allow_redirects=False)

    def _no_token(self, refused: Refused, challenge: Challenge) -> Exception:
        if refused.status in (429, 500, 502, 503, 504):
            return refused
        return Denied(f"no token for {self._address.url} from {challenge.realm!r}: {refused}; asked by {self.asker()}")

    def _is_registry(self, url: str) -> bool:
        return urlsplit(url)[:2] == urlsplit(self._address.base)[:2]


def _actions(method: str) -> str:
    return "pull,push" if method in _WRITING else "pull"


def _read_token(content: bytes) -> tuple[str, int]:
    """The token of a realm's answer, and for how many seconds it holds. Raises InvalidDocument for another answer."""
    try:
        said = loads(content)
        token, seconds = said.get("token") or said.get("access_token"), said.get("expires_in")
    except (ValueError, AttributeError, RecursionError) as error:
        raise InvalidDocument("the answer is no JSON object") from error
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidDocument("the answer has no token that could be sent")
    usable = isinstance(seconds, int | float) and 0 < seconds < _MOST_SECONDS
    return token, int(seconds) if usable else _UNTOLD_SECONDS
