"""A request to a server of this machine, of which only the status is of interest."""

from __future__ import annotations

import http.client
from contextlib import closing


def status_of(port: int, path: str) -> int:
    """The status of the answer to a GET, waited for ten seconds at the longest."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status
