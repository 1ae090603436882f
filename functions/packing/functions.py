"""The functions of a cloud: a folder with an entry for each, and forms of one that bring more than it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .clouds import Cloud
from .requirements import WANTED

# What a form has its entry and all else from; its own folder says what it brings beside.
FORMS = {"evaluate-verify": "evaluate"}
# What the plain form goes without, as it does not bring what these import. The code that wants them says so.
LEFT_OUT = {"evaluate": frozenset({"burgee/fetch/verify.py", "burgee/bundle/signed.py"})}


@dataclass(frozen=True, slots=True)
class Function:
    """`folder` has its requirements, if it has any; `beside` is where the entry's files are."""

    name: str
    folder: Path
    beside: Path
    entry: Path

    @property
    def left_out(self) -> frozenset[str]:
        """Modules of burgee, by their paths in a package, that it does without."""
        return LEFT_OUT.get(self.name, frozenset())


def functions_of(cloud: Cloud, root: Path) -> dict[str, Function]:
    """The functions of a cloud in a checkout, by name."""
    folder = root / "functions" / cloud.name
    entries = {path.parent.name: path.parent for path in folder.glob(f"*/{cloud.entry}")}
    forms = {name: entries[of] for name, of in FORMS.items() if of in entries and (folder / name / WANTED).is_file()}
    return {
        name: Function(name, folder / name, beside, beside / cloud.entry)
        for name, beside in sorted((entries | forms).items())
    }
