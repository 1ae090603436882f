"""What sends the requests of Amazon's client, with a bound on how long the body of an answer may take."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as Late

from .pace import Pace
from .timely import TimelyBody


class TimelySession:
    """In the place of botocore's own session, which it asks."""

    def __init__(self, session: Any, pace: Pace) -> None:
        self._session = session
        self._pace = pace

    def send(self, request: Any) -> Any:
        """Its answer, read unless it is an object. Raises an HTTPClientError."""
        is_object = request.stream_output
        # Or the session reads the body itself, for as long as that takes.
        request.stream_output = True
        answer = self._session.send(request)
        answer.raw = TimelyBody(answer.raw, seconds=self._pace.whole, clock=self._pace.clock)
        if not is_object or answer.status_code >= 300:
            _read(answer, request.url)
        return answer

    def close(self) -> None:
        self._session.close()


def _read(answer: Any, url: str) -> None:
    """Let it keep its content. Raises as botocore's session does where that is cut off or late."""
    try:
        _ = answer.content
    except Late as error:
        raise ReadTimeoutError(endpoint_url=url, error=error) from error
    except HTTPError as error:
        raise ConnectionClosedError(endpoint_url=url, error=error) from error
