"""What Google Cloud Storage says when it refuses, and what to do about it: the same to those who read and write."""

from __future__ import annotations

from collections import namedtuple

from ..core.visible import shortened

RENEW = "renew or replace it"
LOG_IN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"
NO_BUCKET = "check the bucket's name in the URL of the store, and the endpoint"
MISSING_OR_DENIED = "without storage.objects.list on the bucket an object that is missing is refused in the same words"


class Refusal(namedtuple("Refusal", "status reason code message")):
    """An answer that is an error; `code` and `message` are empty when it does not say."""

    __slots__ = ()

    def __str__(self) -> str:
        """As `403 forbidden: Permission denied`, or `403 Forbidden` when it says no more."""
        message = f": {self.message}" if self.message else ""
        return f"{self.status} {self.code or self.reason}{message}"

    @property
    def is_of_bucket(self) -> bool:
        """Whether it is the bucket that is missing."""
        return self.status == 404 and "bucket does not exist" in self.message


def refusal_of(status: int, reason: str, content: bytes) -> Refusal:
    """What an error says of itself, ready to be shown: in JSON, or, of a read of content, in plain words."""
    from json import loads

    text = content.decode("utf-8", "replace").strip()
    code = ""
    try:
        error = loads(text)["error"]
        text = str(error["message"])
        code = str(error["errors"][0]["reason"])
    except (ValueError, TypeError, LookupError, RecursionError):
        # What is between the two is neither: a page of something on the way, or another service's words.
        text = "" if text[:1] in "<{[" else text
    return Refusal(status, shortened(reason), shortened(code), shortened(text.rstrip(".")))
