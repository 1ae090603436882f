"""Lines of a log, one JSON object each: Google's Cloud Logging takes them so, and queries of Azure's logs read them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def info(message: str, fields: Mapping[str, object] | None = None) -> str:
    """What has happened, and what it was about."""
    return _line("INFO", message, {"burgee": fields} if fields else {})


def warning(message: str) -> str:
    """What somebody should look at."""
    return _line("WARNING", message, {})


def count(metric: str) -> str:
    """One more of a metric: these clouds count the lines that name it."""
    return _line("INFO", "count", {"metric": metric})


def _line(severity: str, message: str, more: Mapping[str, object]) -> str:
    from json import dumps

    return dumps({"severity": severity, "message": message, **more}, default=str)
