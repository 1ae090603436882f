"""Watching a folder: one call for each burst of changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import watchfiles

from .snapshot import TEMPORARY

QUIET_MILLISECONDS = 200
_BURST_MILLISECONDS = 2000
_WAKE_MILLISECONDS = 1000
_POLL_MILLISECONDS = 500
_LOOK_SECONDS = 1.0
_MOUNTS = Path("/proc/self/mounts")
_SILENT = ("9p", "afs", "cifs", "fuse", "nfs", "prl_fs", "smb", "vboxsf", "virtiofs", "vmhgfs")
_log = logging.getLogger("burgee.host")


def watch_folder(
    folder: Path,
    changed: Callable[[frozenset[Path]], None],
    *,
    stop: Event,
    ignored: Sequence[Path] = (),
    polling: bool | None = None,
) -> None:
    """Call `changed` with the paths of each burst of changes, QUIET_MILLISECONDS after its last one, until `stop`.

    `.git` at any level, the `ignored` folders (burgee's state) and burgee's temporary files are not looked at.
    `polling` None means: where the system tells of changes, wait for them; on network and shared folders, which do not
    tell, and where the system has no more watches to give, look again and again. Where that fails too (a file name
    that is not UTF-8 is enough), `changed` is called every second, with no paths. Nothing that it raises ends this.
    """
    top = folder.resolve()
    ignores = tuple(path.resolve() for path in ignored)
    polling = _is_silent(top, _mounts()) if polling is None else polling
    try:
        _watch_or_poll(top, changed, stop=stop, ignores=ignores, polling=polling)
    except Exception as error:
        # Whatever watchfiles cannot do, the folder is followed.
        _log.warning("%s cannot be watched (%s); it is looked at every second", top, error)
        while not stop.is_set():
            tell(changed, frozenset())
            stop.wait(_LOOK_SECONDS)


def tell(changed: Callable[[frozenset[Path]], None], paths: frozenset[Path]) -> None:
    """Call `changed`; what it raises is logged."""
    try:
        changed(paths)
    except Exception:
        _log.exception("a change in the folder could not be taken by a fault of burgee's own; the next one is tried")


def _watch_or_poll(
    top: Path, changed: Callable[[frozenset[Path]], None], *, stop: Event, ignores: tuple[Path, ...], polling: bool
) -> None:
    try:
        _watch(top, changed, stop=stop, ignores=ignores, polling=polling)
    except OSError as error:
        if polling:
            raise
        _log.warning("%s cannot be watched (%s); it is polled instead", top, error)
        _watch(top, changed, stop=stop, ignores=ignores, polling=True)


def _watch(
    top: Path, changed: Callable[[frozenset[Path]], None], *, stop: Event, ignores: tuple[Path, ...], polling: bool
) -> None:
    bursts = watchfiles.watch(
        top,
        watch_filter=lambda _, path: _is_of_interest(Path(path), top, ignores),
        debounce=_BURST_MILLISECONDS,
        step=QUIET_MILLISECONDS,
        stop_event=stop,
        rust_timeout=_WAKE_MILLISECONDS,
        raise_interrupt=False,
        force_polling=polling,
        poll_delay_ms=_POLL_MILLISECONDS,
        ignore_permission_denied=True,
    )
    for burst in bursts:
        tell(changed, frozenset(Path(path) for _, path in burst))


def _is_of_interest(path: Path, top: Path, ignores: tuple[Path, ...]) -> bool:
    if path.name.startswith(TEMPORARY) or any(path.is_relative_to(ignored) for ignored in ignores):
        return False
    return ".git" not in path.relative_to(top).parts if path.is_relative_to(top) else False


def _mounts() -> str:
    try:
        return _MOUNTS.read_text(errors="replace")
    except OSError:
        return ""


def _is_silent(folder: Path, mounts: str) -> bool:
    """Whether the folder is on a file system that tells of no changes; `mounts` is the text of /proc/self/mounts."""
    found = (0, "")
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            place = Path(fields[1].replace("\\040", " "))
            if folder.is_relative_to(place):
                found = max(found, (len(place.parts), fields[2]))
    return found[1].startswith(_SILENT)
