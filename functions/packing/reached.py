"""The modules of burgee that a function can come to import, found without running any of it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from burgee.core.errors import ConfigurationError

_PACKAGE = "burgee"


def reached_from(entry: Path, sources: Path, *, without: Collection[str] = ()) -> dict[str, Path]:
    """The files of burgee below `sources` that `entry` imports, and theirs in turn, by their paths in a package.

    Imports inside functions count, those for type checkers alone do not, and neither do those of what the package is
    `without`. Raises ConfigurationError for an import of a module that is not there.
    """
    found: dict[str, Path] = {}
    waiting = [(entry, "")]
    while waiting:
        path, package = waiting.pop()
        for name in _imported_by(path, package, sources):
            module = _file_of(name, sources)
            if module is None:
                raise ConfigurationError(f"{path} imports {name}, and there is no such module below {sources}")
            packed = module.relative_to(sources).as_posix()
            if packed not in found and packed not in without:
                found[packed] = module
                waiting.append((module, name if module.name == "__init__.py" else name.rpartition(".")[0]))
    return found


def _imported_by(path: Path, package: str, sources: Path) -> Iterator[str]:
    """Names of modules, each after the packages that it is in: these are imported before it."""
    for node in _that_runs(ast.parse(path.read_bytes(), filename=str(path))):
        for name in _named_by(node, package, sources):
            parts = name.split(".")
            if parts[0] == _PACKAGE:
                yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _that_runs(node: ast.AST) -> Iterator[ast.AST]:
    """A node and the statements below it, without those that only type checkers look at."""
    yield node
    match node:
        case ast.If(ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            below: Iterable[ast.AST] = node.orelse
        case _:
            below = ast.iter_child_nodes(node)
    for child in below:
        if not isinstance(child, ast.expr):
            yield from _that_runs(child)


def _named_by(node: ast.AST, package: str, sources: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        above = parts[: len(parts) - node.level + 1] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        yield base
        # What is imported from a package is one of its modules, or a name in its `__init__.py`.
        yield from (name for alias in node.names if _file_of(name := f"{base}.{alias.name}", sources))


def _file_of(name: str, sources: Path) -> Path | None:
    place = sources.joinpath(*name.split("."))
    files = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)
