"""What every entry point speaks: a Request goes in, a Response comes out."""

from __future__ import annotations

from collections import namedtuple


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
