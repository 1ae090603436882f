"""HTTP functions of Google Cloud: a request of Flask as a Request, a Response as what Flask takes back.

Source: Cloud Run functions, "Write HTTP functions"; the package functions-framework, which runs them, is a Flask app.
"""

from __future__ import annotations

from .message import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .message import Response


def answer(app: Callable[[Request], Response], asked: Any) -> tuple[bytes, int, list[tuple[str, str]]]:
    """The answer to `asked`, a `flask.Request`: body, status and headers."""
    status, pairs, content = app(request_of(asked))
    return content if isinstance(content, bytes) else b"".join(content), status, list(pairs)


def keep_slashes(flask: Any) -> None:
    """Let a Flask app take paths as they come: it would send a client to another address for two slashes in a row."""
    flask.url_map.merge_slashes = False
    inside = flask.wsgi_app

    def outside(environ: dict[str, Any], start: Any) -> Any:
        # No route of a Flask app begins with two of them, and clients whose base URL ends with a slash do.
        environ["PATH_INFO"] = "/" + environ["PATH_INFO"].lstrip("/")
        return inside(environ, start)

    flask.wsgi_app = outside


def request_of(asked: Any) -> Request:
    """The Request in a `flask.Request`, which has decoded the path already."""
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return Request._make((asked.method, asked.path, asked.query_string.decode("latin-1"), headers, asked.get_data()))
