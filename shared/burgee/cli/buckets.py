"""Buckets that hold flag files, as Flipt v1 reads them from object storage: to compare with, and to move away from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice

from ..author.authored import SourceFile
from ..author.select import INDEX_FILE, select
from ..bundle.keys import INDEX
from ..core.errors import InvalidFiles, InvalidRequest, NotFound
from ..git.tree import FILE, MOST_ENTRIES, Entry
from ..store.opening import open_objects
from ..store.remote import RemoteObjects
from .output import counting

_SCHEMES = ("s3://", "azblob://", "gs://")


def is_bucket(text: str) -> bool:
    """Whether a text is the URL of a bucket, with no bundle of it named."""
    return text.lower().startswith(_SCHEMES) and "#" not in text


def files_in_bucket(url: str) -> tuple[SourceFile, ...]:
    """The index and the files that it or Flipt's default globs select, with their paths below the URL's prefix.

    Raises InvalidRequest for a store of burgee, NotFound when no file is selected, InvalidFiles for a wrong index.
    """
    objects = open_objects(url, environ=os.environ)
    assert isinstance(objects, RemoteObjects), "every bucket is behind a network"
    entries = _entries(objects)
    if any(entry.path == INDEX for entry in entries):
        raise InvalidRequest(f"{url} is a store of burgee; name an environment of it, as {url}#production")
    index = _read(objects, INDEX_FILE) if any(entry.path == INDEX_FILE for entry in entries) else None
    chosen = select(entries, index=index)
    if any(problem.severity == "error" for problem in chosen.problems):
        raise InvalidFiles(chosen.problems)
    if not chosen.paths:
        raise NotFound(f"no flag files in {url}, wanted features.yaml or what a {INDEX_FILE} there names")
    files = [] if index is None else [SourceFile(INDEX_FILE, index)]
    with counting("files read") as progress:
        for number, path in enumerate(chosen.paths):
            files.append(SourceFile(path, _read(objects, path)))
            progress(number + 1)
    return tuple(files)


def _entries(objects: RemoteObjects) -> Sequence[Entry]:
    """What is in the bucket and could be a file's path; markers of folders are not."""
    most = MOST_ENTRIES + 1
    listed = objects.ask(f"list {objects.url}/*", "list", lambda: list(islice(objects.wire.list(""), most)))
    if len(listed) > MOST_ENTRIES:
        raise InvalidRequest(f"{objects.url} has more than {MOST_ENTRIES} objects; name a prefix of it")
    return [Entry(key, FILE) for key in sorted(listed) if _is_path(key)]


def _read(objects: RemoteObjects, key: str) -> bytes:
    # Not by `get`, which takes burgee's own names alone: an index begins with a dot.
    return objects.ask(f"GET {objects.url}/{key}", "read", lambda: objects.wire.get(key)).content


def _is_path(key: str) -> bool:
    parts = key.split("/")
    return key.isprintable() and "\\" not in key and not {"", ".", "..", ".git"} & set(parts)
