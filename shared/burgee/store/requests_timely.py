"""Connections of requests' whose answers have to be whole in time; apart, as Amazon's client does without requests."""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from .pace import Pace
from .timely import TimelyBody


class TimelyAdapter(HTTPAdapter):
    """Connections of requests', to all of whose requests one pace applies."""

    def __init__(self, pace: Pace, *, connections: int) -> None:
        self._pace = pace
        super().__init__(pool_maxsize=connections)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        waits = {"timeout": (self._pace.connect, self._pace.answer)}
        response = super().send(request, *args, **{**options, **waits})
        response.raw = TimelyBody(response.raw, seconds=self._pace.whole, clock=self._pace.clock)
        return response
