"""What becomes of sources in packages, and how they are packed: without docstrings, line for line the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from functions.packing.archive import archive
from functions.packing.stripped import stripped

from tests.checkouts import SOURCES
from tests.packages import ROOT


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "shared").as_posix())
def test_stripped_sources_are_the_originals_without_docstrings_and_annotations_line_for_line(path: Path) -> None:
    source = path.read_bytes()
    assert list(shapes(ast.parse(stripped(source)))) == list(shapes(bare(ast.parse(source))))


def test_stripping_leaves_texts_that_are_no_docstrings() -> None:
    source = 'class Odd:\n    """Why."""  # and so\n\n\nOdd.text = """A # of  \n  lines."""  # é\nx = f"{1}#"  \n'
    assert stripped(source.encode()).decode() == (
        'class Odd:\n    pass\n\n\nOdd.text = """A # of  \n  lines."""\nx = f"{1}#"  \n'
    )


def test_stripping_takes_away_docstrings_that_are_given_later() -> None:
    source = 'Odd = namedtuple("Odd", "a")\nOdd.__doc__ = """What\nit is."""\nx = 1\n'
    assert stripped(source.encode()).decode() == 'Odd = namedtuple("Odd", "a")\n\n\nx = 1\n'


def test_stripping_takes_away_what_is_for_type_checkers_alone() -> None:
    source = (
        "from __future__ import annotations\n\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    # why\n    import typing\n"
        "def f(é: dict[str,\n    int] = {}, *rest: int, **more: 'str') -> list[int]: return []\nx: int = 1\ny: int\n"
    )
    assert stripped(source.encode()).decode() == (
        "\n\n\n\n\n\ndef f(é = {}, *rest, **more) : return []\n\nx = 1\npass\n"
    )


def test_an_archive_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    files = {"b/é.txt": b"text " * 100, "a": b"", "c.gz": bytes(range(256))}
    (tmp_path / "made.zip").write_bytes(archive(files))
    with ZipFile(tmp_path / "made.zip") as zipped:
        assert zipped.testzip() is None
        assert {name: zipped.read(name) for name in zipped.namelist()} == files
        assert zipped.namelist() == sorted(files)
        methods = {info.filename: info.compress_type for info in zipped.infolist()}
        assert methods == {"a": ZIP_STORED, "b/é.txt": ZIP_DEFLATED, "c.gz": ZIP_STORED}
        for info in zipped.infolist():
            assert (info.date_time, info.create_system, info.extra) == ((1980, 1, 1, 0, 0, 0), 3, b"")
            assert info.external_attr >> 16 == 0o100644


def shapes(tree: ast.AST) -> Iterator[tuple[str, int, Any, list[Any]]]:
    """Each node: what it is, in which line it is and what it holds beside other nodes."""
    for node in ast.walk(tree):
        plain = [value for _, value in ast.iter_fields(node) if not isinstance(value, ast.AST | list)]
        children = [type(child).__name__ for child in ast.iter_child_nodes(node)]
        yield type(node).__name__, getattr(node, "lineno", 0), plain, children


def bare(tree: ast.Module) -> ast.Module:
    """The tree without docstrings and what is for type checkers alone."""
    chosen = any(isinstance(node, ast.If) and is_for_checkers(node) and node.orelse for node in tree.body)
    tree.body = [
        node
        for node in tree.body
        if not is_docstring_given_later(node)
        and (not is_for_checkers(node) or (chosen and not isinstance(node, ast.ImportFrom) and not is_alone(node)))
    ]
    for node in ast.walk(tree):
        match node:
            case ast.arg():
                node.annotation = None
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                take_docstring(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                value[:] = map(without_annotation, value)
    return tree


def is_for_checkers(node: ast.stmt) -> bool:
    named = ast.unparse(node).startswith(("if TYPE_CHECKING:", "TYPE_CHECKING = False", "from __future__ import"))
    return named and isinstance(node, ast.If | ast.Assign | ast.ImportFrom)


def is_docstring_given_later(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ".__doc__ = " in ast.unparse(node).partition("(")[0]


def is_alone(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and not node.orelse


def take_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if ast.get_docstring(node, clean=False) is None:
        return
    text = node.body.pop(0)
    if not node.body and not isinstance(node, ast.Module):
        node.body.append(ast.copy_location(ast.Pass(), text))


def without_annotation(node: Any) -> Any:
    if not isinstance(node, ast.AnnAssign):
        return node
    if node.value is None:
        return ast.copy_location(ast.Pass(), node)
    return ast.copy_location(ast.Assign([node.target], node.value), node)
