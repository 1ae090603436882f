"""What every entry point speaks: a Request goes in, a Response comes out."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Request(namedtuple("Request", "method path query headers body", defaults=("", {}, b""))):
    """An HTTP request.

    `path` is percent-decoded and begins with `/`; `query` is the raw query string without `?`; `headers` maps
    lower-case names to values; `body` is bytes.
    """

    __slots__ = ()


class Response(namedtuple("Response", "status headers body", defaults=((), b""))):
    """An HTTP response: status code, pairs of header name and value, and a body.

    The body is bytes; or an iterator of bytes that ends; or, where the service streams, a `streams.Stream`, which is
    asked for what is new whenever something may have changed, until the client goes.
    """

    __slots__ = ()


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers for those who take each name once; values of one name are joined as RFC 9110 (5.3) has it."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
