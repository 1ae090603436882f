"""Reading a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from burgee.core.errors import Denied, InvalidDocument, NotFound
from burgee.fetch.file import FileFetcher
from burgee.fetch.port import NOT_MODIFIED
from burgee.store.file import FileObjects

KEY = "environments/staging/head.json"


def write(folder: Path, content: bytes) -> None:
    objects = FileObjects(folder)
    try:
        expected = objects.get(KEY).etag
    except NotFound:
        expected = None
    objects.swap(KEY, content, expected=expected, content_type="", cache_control="")


def test_a_file_is_read_and_is_then_not_modified(tmp_path: Path) -> None:
    write(tmp_path, b"first")
    fetcher = FileFetcher(str(tmp_path))
    fetched = fetcher.get(KEY)
    assert fetched.content == b"first"
    assert fetcher.get(KEY, fetched.etag) is NOT_MODIFIED


def test_every_swap_is_seen_however_quick_and_of_the_same_length(tmp_path: Path) -> None:
    fetcher = FileFetcher(str(tmp_path))
    etag = None
    for number in range(20):
        write(tmp_path, b"%02d" % number)
        fetched = fetcher.get(KEY, etag)
        assert fetched.content == b"%02d" % number
        etag = fetched.etag


def test_an_unchanged_file_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, b"first")
    fetcher = FileFetcher(str(tmp_path))
    etag = fetcher.get(KEY).etag
    # Longer than allowed would be refused if its content were wanted.
    assert fetcher.get(KEY, etag, max_bytes=1) is NOT_MODIFIED


def test_what_is_not_there_is_not_found_and_neither_is_a_folder_or_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for key in (KEY, "folder", "pipe", "file/below"):
        with pytest.raises(NotFound):
            FileFetcher(str(tmp_path)).get(key)
    with pytest.raises(NotFound):
        FileFetcher(str(tmp_path / "not yet")).get(KEY)


def test_an_empty_file_is_an_object(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert FileFetcher(str(tmp_path)).get("empty").content == b""


def test_a_file_longer_than_the_bound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * 11)
    with pytest.raises(InvalidDocument, match="has 11 bytes, wanted at most 10"):
        FileFetcher(str(tmp_path)).get("long", max_bytes=10)
    assert len(FileFetcher(str(tmp_path)).get("long", max_bytes=11).content) == 11


def test_links_are_followed_inside_the_folder_and_never_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    (root / "..data").mkdir(parents=True)
    (root / "..data" / "file").write_bytes(b"inside")
    (root / "file").symlink_to("..data/file")
    (root / "out").symlink_to("../secret")
    fetcher = FileFetcher(str(root))
    assert fetcher.get("file").content == b"inside"
    for key in ("out", "../secret"):
        with pytest.raises(Denied, match="leads out of the folder"):
            fetcher.get(key)
