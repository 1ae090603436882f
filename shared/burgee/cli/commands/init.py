"""`burgee init`: a repository's first files."""

from __future__ import annotations

from pathlib import Path

import click

from ...author.project import PROJECT_FILE, Environment
from ...core.errors import BurgeeError, ConfigurationError
from ...deliver.reading import flag_paths
from ...git.folder import open_folder
from ...git.repository import open_repository
from ..options import Folder, example, json_option
from ..output import note, show_json

_PROJECT = """\
# Which environments there are, and which directory's flag files each one serves.
version: 1
environments:
  staging:
    default: true
    ref: {ref}
    directory: flags/staging
  production:
    ref: {ref}
    directory: flags/production
"""

_PROJECT_FOR_FLAGS = """\
# One environment that reads the flag files that are here already, wherever they are.
version: 1
environments:
  production:
    ref: {ref}
    directory: .
"""

_FEATURES = """\
version: "1.4"
namespace: default
flags:
  - key: new-checkout
    name: New checkout
    description: The checkout on one page.
    type: BOOLEAN_FLAG_TYPE
    enabled: false
    rollouts:
      - segment:
          key: internal
          value: true
      - threshold:
          percentage: {percentage}
          value: true
segments:
  - key: internal
    name: Our own people
    match_type: ALL_MATCH_TYPE
    constraints:
      - type: STRING_COMPARISON_TYPE
        property: email
        operator: suffix
        value: "@example.com"
"""


@click.command("init", epilog=example("burgee init my-flags"))
@click.argument("folder", default=".", type=Folder(may_come=True))
@json_option
def command(folder: str, as_json: bool) -> None:
    """Write burgee.yaml, and a first flag for two environments.

    Where there are flag files already, as in a repository of Flipt's, only burgee.yaml is written, with one
    environment that reads them. Files that are there are left alone.

    With --json: {written, left_alone}, lists of files.
    """
    root = Path(folder)
    if (root / PROJECT_FILE).exists():
        raise ConfigurationError(f"{root / PROJECT_FILE} is there already; nothing was written")
    found = flag_paths(open_folder(root), Environment()) if root.is_dir() else ()
    written: list[str] = []
    left_alone: list[str] = []
    for name, text in _files(_branch(root), has_flags=bool(found)).items():
        path = root / name
        (written if _write(path, text) else left_alone).append(str(path))
    if as_json:
        show_json({"written": written, "left_alone": left_alone})
        return
    for name in written:
        click.echo(f"wrote {name}")
    for name in left_alone:
        note(f"left alone {name}")
    if found:
        note(f"{len(found)} flag files are here already; environment 'production' reads them")
    note(f"next: burgee validate {folder}, then commit and burgee publish, or burgee dev {folder}")


def _files(ref: str, *, has_flags: bool) -> dict[str, str]:
    if has_flags:
        return {PROJECT_FILE: _PROJECT_FOR_FLAGS.format(ref=ref)}
    return {
        PROJECT_FILE: _PROJECT.format(ref=ref),
        "flags/staging/features.yaml": _FEATURES.format(percentage=50),
        "flags/production/features.yaml": _FEATURES.format(percentage=10),
    }


def _branch(root: Path) -> str:
    """The branch that a repository here is on, or the usual one."""
    if not (root / ".git").exists():
        return "main"
    try:
        with open_repository(root) as repository:
            return repository.default_ref()
    except BurgeeError:
        return "main"


def _write(path: Path, text: str) -> bool:
    """Whether the file was written; one that is there is not. Raises ConfigurationError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    return True
