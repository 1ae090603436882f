"""Buckets of Google Cloud Storage in memory: objects with generations, and the conditions on them.

Law: a condition is checked and its write is done in one step. What is asked and not known here is refused, never
ignored.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from threading import Lock
from time import time_ns
from typing import Any

import google_crc32c

NO_BUCKET = "The specified bucket does not exist."
# Of an object's metadata, what a writer may say.
_WRITABLE = {"name", "contentType", "cacheControl", "metadata", "crc32c", "md5Hash"}


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, reason: str) -> None:
        super().__init__(message)
        self.status, self.message, self.reason = status, message, reason


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of a request on the live generation of an object, 0 standing for an object that is not there."""

    match: int | None = None
    not_match: int | None = None

    def check(self, generation: int, *, reads: bool) -> None:
        """Raises Refused by 412, or for a read of what the reader has by 304."""
        if self.match is not None and self.match != generation:
            raise Refused(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet")
        if self.not_match is not None and self.not_match == generation:
            raise Refused(304 if reads else 412, "Not Modified", "notModified" if reads else "conditionNotMet")


@dataclass(frozen=True, slots=True)
class Kept:
    """One generation of an object."""

    bucket: str
    name: str
    content: bytes
    generation: int
    fields: Mapping[str, Any]

    @property
    def crc32c(self) -> str:
        return b64encode(google_crc32c.value(self.content).to_bytes(4, "big")).decode()

    @property
    def md5(self) -> str:
        return b64encode(md5(self.content, usedforsecurity=False).digest()).decode()

    @property
    def etag(self) -> str:
        return b64encode(b"%d/1" % self.generation).decode()

    def resource(self) -> dict[str, Any]:
        """As the JSON API shows it."""
        written = datetime.fromtimestamp(self.generation / 1_000_000, UTC).isoformat().replace("+00:00", "Z")
        return {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "contentType": "application/octet-stream",
            "size": str(len(self.content)),
            "crc32c": self.crc32c,
            "md5Hash": self.md5,
            "etag": self.etag,
            "storageClass": "STANDARD",
            "timeCreated": written,
            "updated": written,
            **self.fields,
        }


@dataclass(slots=True)
class Buckets:
    """Safe among threads."""

    _live: dict[str, dict[str, Kept]] = field(default_factory=dict)
    # Generations that were replaced, of buckets with versioning.
    _old: dict[str, list[Kept]] = field(default_factory=dict)
    _generation: int = 0
    _lock: Lock = field(default_factory=Lock)

    def make(self, bucket: str, *, versioning: bool = False) -> None:
        """Raises Refused when it exists."""
        with self._lock:
            if bucket in self._live:
                raise Refused(409, "Your previous request to create the named bucket succeeded.", "conflict")
            self._live[bucket] = {}
            if versioning:
                self._old[bucket] = []

    def has(self, bucket: str) -> bool:
        return bucket in self._live

    def generation(self, bucket: str, name: str) -> int:
        """That of the live object, 0 when there is none."""
        with self._lock:
            found = self._objects(bucket).get(name)
            return found.generation if found else 0

    def put(self, bucket: str, content: bytes, said: Mapping[str, Any], conditions: Conditions) -> Kept:
        """A new generation of the object that `said` names."""
        unknown = set(said) - _WRITABLE
        if unknown:
            raise Refused(400, f"this server knows no {sorted(unknown)} of objects", "invalid")
        with self._lock:
            objects = self._objects(bucket)
            old = objects.get(said["name"])
            conditions.check(old.generation if old else 0, reads=False)
            fields = {name: value for name, value in said.items() if name not in ("name", "crc32c", "md5Hash")}
            kept = Kept(bucket, said["name"], content, max(time_ns() // 1000, self._generation + 1), fields)
            for name, sum_of_it in (("crc32c", kept.crc32c), ("md5Hash", kept.md5)):
                if said.get(name, sum_of_it) != sum_of_it:
                    raise Refused(400, f"Provided {name} hash does not match calculated hash.", "invalid")
            self._generation = kept.generation
            objects[kept.name] = kept
            self._retire(old)
            return kept

    def get(self, bucket: str, name: str, conditions: Conditions, *, generation: int | None = None) -> Kept:
        """An object, the live one unless a generation is named."""
        with self._lock:
            found = self._objects(bucket).get(name)
            if generation is not None:
                versions = [*self._old.get(bucket, ()), *([found] if found else [])]
                found = next((each for each in versions if (each.name, each.generation) == (name, generation)), None)
            if found is None:
                raise missing(bucket, name)
            conditions.check(found.generation, reads=True)
            return found

    def delete(self, bucket: str, name: str, conditions: Conditions) -> None:
        """Remove the live object."""
        with self._lock:
            objects = self._objects(bucket)
            if name not in objects:
                raise missing(bucket, name)
            conditions.check(objects[name].generation, reads=False)
            self._retire(objects.pop(name))

    def list(self, bucket: str, prefix: str, after: str, at_most: int) -> tuple[list[Kept], str | None]:
        """Objects whose names begin with a prefix and come after another, and the last name when there are more."""
        with self._lock:
            objects = self._objects(bucket)
            # Google sorts names by their UTF-8, which is the order of their code points.
            names = sorted(name for name in objects if name.startswith(prefix) and name > after)
            page = [objects[name] for name in names[:at_most]]
            return page, page[-1].name if len(names) > at_most else None

    def _objects(self, bucket: str) -> dict[str, Kept]:
        if bucket not in self._live:
            raise Refused(404, NO_BUCKET, "notFound")
        return self._live[bucket]

    def _retire(self, kept: Kept | None) -> None:
        if kept is not None and kept.bucket in self._old:
            self._old[kept.bucket].append(kept)


def missing(bucket: str, name: str) -> Refused:
    """What is answered for an object that is not there."""
    return Refused(404, f"No such object: {bucket}/{name}", "notFound")
