"""The walls of the house: which room may import which, and that the read side needs the standard library only."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import burgee

ROOT = Path(burgee.__file__).parent

# Each room and what it may import besides itself; a new arrow is a reviewed line.
ARROWS: dict[str, set[str]] = {
    "core": set(),
    "bundle": {"core"},
    "fetch": {"core", "bundle"},
    "serve": {"core", "bundle", "fetch", "settings"},
    "client": {"core", "bundle", "fetch"},
    "settings": {"core.errors"},
    "author": {"core", "bundle"},
    "store": {"core.causes", "core.errors", "core.instant", "core.visible", "bundle"},
    "git": {"core.errors", "core.instant"},
    "sign": {"core", "bundle", "store.gs_session", "store.s3_session"},
    "deliver": {"core", "bundle", "author", "store", "git", "sign"},
    "impact": {"core", "bundle", "author.reach", "deliver.changes", "deliver.details"},
    "simulate": {"core", "bundle", "fetch", "deliver", "store"},
    "queue": {"core.causes", "core.errors", "core.visible", "bundle.addresses", "bundle.azblob_given"},
    "control": {
        *("core.errors", "core.signature", "serve.message", "author", "deliver", "store", "git", "queue", "bundle"),
        *("fetch.clock", "settings", "sign"),
    },
    "host": {"core", "bundle", "author.authored", "serve", "control", "deliver", "git", "store", "fetch", "settings"},
    "cli": {
        *("core", "bundle", "fetch", "serve", "client", "settings", "author", "store"),
        *("git", "deliver", "queue", "control", "host", "sign", "simulate", "impact"),
    },
}
LIGHT = ("core", "bundle", "fetch", "serve", "client", "settings")
# The one module of a light room that may need a package; nothing imports it but the application that wants it.
NEEDS_AN_EXTRA = "client.openfeature"


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of burgee, by its dotted name below `burgee`."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            yield name, path


def imported(name: str, path: Path) -> Iterator[str]:
    """The modules of burgee that a module imports, anywhere in it, by dotted names below `burgee`."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = node.module.split(".") if node.module else []
            if node.level:
                above = package[: len(package) - (node.level - 1)]
                base = [*above, *base]
            elif base[:1] == ["burgee"]:
                base = base[1:]
            else:
                continue
            for alias in node.names:
                yield ".".join((*base, alias.name) if is_module((*base, alias.name)) else base)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "burgee":
                    yield alias.name.partition(".")[2]


def is_module(parts: tuple[str, ...]) -> bool:
    place = ROOT.joinpath(*parts)
    return place.with_suffix(".py").is_file() or place.is_dir()


def room_of(name: str) -> str:
    return name.split(".")[0]


def test_every_import_follows_an_arrow_of_the_table() -> None:
    strayed = []
    for name, path in modules():
        room = room_of(name)
        for target in imported(name, path):
            inside = not target or room_of(target) == room
            if inside:
                continue
            if not any(target == arrow or target.startswith(arrow + ".") for arrow in ARROWS[room]):
                strayed.append(f"{name} imports {target}")
    assert strayed == []


def test_every_room_is_in_the_table() -> None:
    assert {room_of(name) for name, _ in modules()} - {"__init__"} <= set(ARROWS)


def test_rooms_import_one_another_without_a_cycle() -> None:
    graph = {room: {room_of(arrow) for arrow in arrows} for room, arrows in ARROWS.items()}
    assert list(TopologicalSorter(graph).static_order())


def test_modules_import_one_another_without_a_cycle() -> None:
    graph = {}
    for name, path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typing_only = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for inner in ast.walk(node)
        }
        late = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            for inner in ast.walk(node)
        }
        top = ast.Module(
            [node for node in tree.body if id(node) not in typing_only and id(node) not in late], type_ignores=[]
        )
        graph[name] = {target for target in _imported_by(name, path, top) if target and target != name}
    assert list(TopologicalSorter(graph).static_order())


def _imported_by(name: str, path: Path, tree: ast.Module) -> Iterator[str]:
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - (node.level - 1)], *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                yield ".".join((*base, alias.name) if is_module((*base, alias.name)) else base)


def test_light_rooms_import_nothing_but_the_standard_library() -> None:
    light = [f"burgee.{name}" for name, _ in modules() if room_of(name) in LIGHT and name != NEEDS_AN_EXTRA]
    script = (
        "import sys, json\n"
        f"sys.path.insert(0, {str(ROOT.parent)!r})\n"
        f"import importlib\nfor name in {light!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(run.stdout)}
    assert loaded - set(sys.stdlib_module_names) - {"burgee", "__main__"} == set()


def test_nobody_imports_the_module_that_needs_an_extra() -> None:
    assert [name for name, path in modules() if NEEDS_AN_EXTRA in imported(name, path)] == []


def test_the_read_side_leaves_the_expensive_standard_modules_alone() -> None:
    script = (
        f"import sys\nsys.path.insert(0, {str(ROOT.parent)!r})\n"
        "import burgee.fetch.live, burgee.fetch.environments, burgee.serve.app, burgee.client\n"
        "print(*sorted(sys.modules))\n"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    costly = {"dataclasses", "typing", "asyncio", "logging", "urllib.parse", "http.client", "ssl", "uuid", "datetime"}
    assert costly & set(run.stdout.split()) == set()
