"""Flags over the evaluate API: one batch call for each page, and the coded answers when nobody answers."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 0.5

Answers = dict[str, Any]


@dataclass(frozen=True)
class Visitor:
    """Who is asked about: a stable id, and what segments may look at. All values are text."""

    id: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Flags:
    """Where flags come from. `url` is the base of the evaluate API."""

    url: str
    environment: str
    token: str = ""

    def evaluate(self, keys: Sequence[str], visitor: Visitor) -> Answers:
        """Flag key to answer: a bool for a boolean flag, (variant key, attachment) for a variant flag.

        A flag that could not be evaluated is left out, so the caller's own default holds.
        """
        requests = [{"flagKey": key, "entityId": visitor.id, "context": dict(visitor.properties)} for key in keys]
        try:
            body = self._post("/evaluate/v1/batch", {"requests": requests})
        except (OSError, ValueError) as error:
            print(f"flags: no answer from {self.url}, coded defaults hold: {error}")
            return {}
        return dict(filter(None, map(_answer, body["responses"])))

    def _post(self, path: str, body: object) -> Any:
        headers = {"Content-Type": "application/json", "X-Flipt-Environment": self.environment}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise OSError(f"{error.code}: {error.read().decode(errors='replace')}") from error


def _answer(response: Mapping[str, Any]) -> tuple[str, Any] | None:
    if found := response.get("booleanResponse"):
        return found["flagKey"], found["enabled"]
    if found := response.get("variantResponse"):
        attachment = json.loads(found["variantAttachment"] or "null")
        return found["flagKey"], (found["variantKey"], attachment)
    return None
