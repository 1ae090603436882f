"""HTTP triggers of Azure Functions: what the worker hands over as a Request, a Response as what it takes back.

Source: Azure Functions Python developer guide, and the converters of the package azure-functions.
"""

from __future__ import annotations

from .message import Request, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from .message import Response

    Made = TypeVar("Made")


def answer(app: Callable[[Request], Response], asked: Any, make: Callable[..., Made]) -> Made:
    """The answer to `asked`, an `azure.functions.HttpRequest`; `make` is `azure.functions.HttpResponse`."""
    status, pairs, content = app(request_of(asked))
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers = joined(pairs)
    if status == 304:
        # Otherwise the worker names plain text, and caches take that over for what they hold.
        headers.setdefault("content-type", "application/json")
    return make(content if isinstance(content, bytes) else b"".join(content), status_code=status, headers=headers)


def request_of(asked: Any) -> Request:
    """The Request in an `azure.functions.HttpRequest`, whose URL is as it was on the wire."""
    before, _, query = asked.url.partition("?")
    path = "/" + before.partition("://")[2].partition("/")[2]
    if "%" in path:
        from urllib.parse import unquote

        path = unquote(path)
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return Request._make((asked.method, path, query, headers, asked.get_body()))
