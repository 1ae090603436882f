"""Flipt's evaluation endpoints: boolean, variant and batch.

Sources: Flipt semantics 2.10 to 2.12 and 3.2.
"""

from __future__ import annotations

from operator import itemgetter

from ..core.errors import BurgeeError, Forbidden, InvalidRequest
from ..core.json_text import quoted
from ..core.snapshot import Namespace
from .answers import answer_written, read_object
from .service import ENVIRONMENT_HEADER
from .texts import moment_text, to_microseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ..core.compile import Result
    from ..fetch.live import Serving
    from .message import Request, Response
    from .service import Service
    from .texts import Texts

    # Request id, namespace, flag, entity, context and environment; texts are empty when left out. A plain tuple: a
    # batch makes one for each of its items.
    Asked: TypeAlias = tuple[str, str, str, str, dict[str, str], str]

_WRONG_VALUE = "invalid values for key(s) in json body"
MOST_REQUESTS = 10_000

# A request with these fields and no other has none that a look for another spelling could find.
_usual = itemgetter("requestId", "namespaceKey", "flagKey", "entityId", "context")
_USUAL_FIELDS = 5


def boolean(service: Service, request: Request) -> Response:
    """POST /evaluate/v1/boolean"""
    return _single(service, request, Namespace.boolean)


def variant(service: Service, request: Request) -> Response:
    """POST /evaluate/v1/variant"""
    return _single(service, request, Namespace.variant)


def batch(service: Service, request: Request) -> Response:
    """POST /evaluate/v1/batch: an error of one item is that item's answer."""
    started = service.timer()
    fields = read_object(request)
    asked = [read_asked(item) for item in requests_of(fields)]
    headers = _headers_of_batch(service, request)
    pieces = _pieces(_Places(service, request), asked, now := service.now())
    duration = to_microseconds(service.timer() - started)
    # The moment is the same in every answer, and all that comes between two pieces.
    responses = moment_text(duration, now).join(pieces)[:-1]
    request_id = quoted(field_of(fields, "requestId", "request_id", str, "") or service.new_id())
    text = f'{{"requestId":{request_id},"responses":[{responses}],"requestDurationMillis":{duration!r}}}'
    return answer_written(request, text.encode(), headers)


def read_asked(fields: Any) -> Asked:
    """An EvaluationRequest, its names in lowerCamelCase or snake_case. Raises InvalidRequest for a wrong type."""
    if fields.__class__ is dict and len(fields) == _USUAL_FIELDS:
        try:
            request_id, namespace, flag, entity, context = _usual(fields)
            # Fails for anything but texts, in less time than a look at each.
            "".join((request_id, namespace, flag, entity, *context.values()))
            return request_id, namespace, flag, entity, context, ""
        except (KeyError, TypeError, AttributeError):
            pass
    return _read_closely(fields)


def requests_of(fields: dict[str, Any]) -> list[Any]:
    """The items of a batch. Raises InvalidRequest for too many: an answer is a hundred times as long as its item."""
    listed: list[Any] = field_of(fields, "requests", "requests", list, [])
    if len(listed) > MOST_REQUESTS:
        raise InvalidRequest(f"a batch has at most {MOST_REQUESTS} requests, got {len(listed)}; send several")
    return listed


def field_of(fields: dict[str, Any], camel: str, snake: str, kind: type, default: Any) -> Any:
    """A field of a request under either of its names; null and absent are the default. Raises InvalidRequest."""
    value = fields.get(camel)
    if value is None:
        value = fields.get(snake)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise InvalidRequest(_WRONG_VALUE)
    return value


def _single(service: Service, request: Request, evaluate: Callable[..., Result]) -> Response:
    started = service.timer()
    request_id, key, flag, entity, context, environment = read_asked(read_object(request))
    serving, namespace = service.find(request, environment, key)
    now = service.now()
    result = evaluate(namespace, flag, entity, context, now)
    texts = service.texts(serving)
    moment = moment_text(service.timer() - started, now)
    text = texts.answer(result, request_id or service.new_id(), moment)
    return answer_written(request, text.encode(), texts.headers(serving, now))


def _read_closely(fields: Any) -> Asked:
    if not isinstance(fields, dict):
        raise InvalidRequest(_WRONG_VALUE)
    context = field_of(fields, "context", "context", dict, {})
    if any(not (value is None or isinstance(value, str)) for value in context.values()):
        raise InvalidRequest(_WRONG_VALUE)
    return (
        field_of(fields, "requestId", "request_id", str, ""),
        field_of(fields, "namespaceKey", "namespace_key", str, ""),
        field_of(fields, "flagKey", "flag_key", str, ""),
        field_of(fields, "entityId", "entity_id", str, ""),
        {name: value or "" for name, value in context.items()} if None in context.values() else context,
        field_of(fields, "environmentKey", "environment_key", str, ""),
    )


def _headers_of_batch(service: Service, request: Request) -> tuple[tuple[str, str], ...]:
    """Those of the environment that the request names or means; a token may be for none but those that items name."""
    try:
        return service.headers(service.serving(request))
    except Forbidden:
        if request.headers.get(ENVIRONMENT_HEADER):
            raise
        return ()


class _Places:
    """Where the items of a batch are evaluated; of one environment a batch sees one release."""

    __slots__ = ("_found", "_request", "_service", "_servings")

    def __init__(self, service: Service, request: Request) -> None:
        self._service = service
        self._request = request
        self._servings: dict[str, Serving] = {}
        self._found: dict[tuple[str, str], tuple[Texts, Namespace]] = {}

    def find(self, environment: str, key: str) -> tuple[Texts, Namespace]:
        """The texts and the namespace for what an item names. Raises as Service.find does."""
        return self._found.get((environment, key)) or self._look(environment, key)

    def _look(self, environment: str, key: str) -> tuple[Texts, Namespace]:
        self._service.check(self._request, environment, key)
        serving = self._servings.get(environment)
        if serving is None:
            serving = self._servings[environment] = self._service.serving(self._request, environment)
        place = self._service.texts(serving), self._service.namespace(serving, key)
        self._found[environment, key] = place
        return place


def _pieces(places: _Places, asked: list[Asked], now: int) -> list[str]:
    """The items' answers with a comma after each, cut where the moment belongs."""
    pieces, rest = [], ""
    for request_id, key, flag, entity, context, environment in asked:
        try:
            texts, namespace = places.find(environment, key)
            before, after = texts.item(namespace.evaluate(flag, entity, context, now))
        except BurgeeError as error:
            if error.status == 503:
                raise
            rest += _error_item(key, flag, error) + ","
            continue
        pieces.append(f"{rest}{before}{quoted(request_id)}")
        rest = after
    pieces.append(rest)
    return pieces


def _error_item(namespace: str, flag: str, error: BurgeeError) -> str:
    reason = "NOT_FOUND" if error.status == 404 else "UNKNOWN"
    return (
        f'{{"type":"ERROR_EVALUATION_RESPONSE_TYPE","errorResponse":{{"flagKey":{quoted(flag)},'
        f'"namespaceKey":{quoted(namespace)},"reason":"{reason}_ERROR_EVALUATION_REASON"}}}}'
    )
