"""Answers in gzip, for clients that take it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .message import Request, Response

# Shorter ones fit into the packet that their headers need anyway.
_FROM_BYTES = 1024
_HEADERS = (("content-encoding", "gzip"), ("vary", "accept-encoding"))
# The quickest level: what is made for one answer is JSON that repeats itself, and more effort saves little.
_QUICK = 1


def takes_gzip(request: Request) -> bool:
    """Whether the client takes compressed answers."""
    accepted: str = request.headers.get("accept-encoding", "")
    return "gzip" in accepted and (";" not in accepted or not _refuses(accepted))


def compressed(response: Response, *, level: int = _QUICK) -> Response:
    """The response in gzip, if that is worth it and has not been done."""
    body, headers = response.body, response.headers
    if not isinstance(body, bytes) or len(body) < _FROM_BYTES or _HEADERS[0] in headers:
        return response
    from gzip import compress

    return response._replace(headers=(*headers, *_HEADERS), body=compress(body, compresslevel=level, mtime=0))


def _refuses(accepted: str) -> bool:
    """Whether gzip is named with the weight zero (RFC 9110, 12.4.2)."""
    for part in accepted.split(","):
        coding, _, weight = part.replace(" ", "").lower().partition(";q=")
        if coding == "gzip":
            return weight.rstrip("0") in ("0.", "") and weight != ""
    return False
