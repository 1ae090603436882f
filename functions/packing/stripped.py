"""Sources without comments, docstrings and what is for type checkers alone.

Law: what stays is in its line, which later steps find it by. Nothing of burgee's read side reads annotations.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class _Cut(NamedTuple):
    """What goes, and what stays in its place; lines are from 1, columns in bytes from 0."""

    line: int
    column: int
    last_line: int
    end: int
    stays: bytes = b""


def stripped(source: bytes) -> bytes:
    """The same program with no annotations, and `__doc__` None where a docstring was.

    What that leaves empty is `pass`.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    cuts = [*_docstrings(tree), *_comments(source, lines), *_annotations(tree, lines), *_for_checkers(tree)]
    # From the end, so that columns hold until they are used; what is inside of another goes with that.
    for cut in sorted(_outermost(cuts), reverse=True):
        _leave_out(cut, lines)
    return b"".join(lines)


def _outermost(cuts: Iterable[_Cut]) -> Iterator[_Cut]:
    reached = (0, 0)
    for cut in sorted(cuts, key=lambda cut: (cut.line, cut.column, -cut.last_line, -cut.end)):
        if (cut.line, cut.column) >= reached:
            yield cut
            reached = cut.last_line, cut.end


def _docstrings(tree: ast.Module) -> Iterator[_Cut]:
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                match node.body:
                    case [ast.Expr(ast.Constant(str()) as text), *others]:
                        alone = not others and not isinstance(node, ast.Module)
                        last, end = text.end_lineno or text.lineno, text.end_col_offset or 0
                        yield _Cut(text.lineno, text.col_offset, last, end, b"pass" if alone else b"")


def _comments(source: bytes, lines: Sequence[bytes]) -> Iterator[_Cut]:
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, character = token.start
            column = len(lines[line - 1].decode()[:character].encode())
            yield _Cut(line, column, line, column + len(token.string.encode()))


def _annotations(tree: ast.Module, lines: Sequence[bytes]) -> Iterator[_Cut]:
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.expr() as annotation):
                yield _until(annotation, node.lineno, node.col_offset + len(node.arg.encode()))
            case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
                arrow = lines[returns.lineno - 1].rindex(b"->", 0, returns.col_offset)
                yield _until(returns, returns.lineno, arrow)
            case ast.AnnAssign(value=None):
                yield _until(node, node.lineno, node.col_offset, stays=b"pass")
            case ast.AnnAssign():
                yield _until(node.annotation, node.target.end_lineno or 0, node.target.end_col_offset or 0)


def _for_checkers(tree: ast.Module) -> Iterator[_Cut]:
    asked = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    for node in tree.body:
        match node:
            case ast.If(orelse=[]) if node in asked:
                yield _until(node, node.lineno, node.col_offset)
            case ast.Assign([ast.Name("TYPE_CHECKING")]) if not any(each.orelse for each in asked):
                yield _until(node, node.lineno, node.col_offset)
            case ast.Assign([ast.Attribute(attr="__doc__")], ast.Constant(str())):
                yield _until(node, node.lineno, node.col_offset)
            case ast.ImportFrom(module="__future__"):
                # It is about annotations, of which none are left.
                yield _until(node, node.lineno, node.col_offset)


def _until(node: ast.expr | ast.stmt, line: int, column: int, *, stays: bytes = b"") -> _Cut:
    """What goes from there to the end of a node."""
    return _Cut(line, column, node.end_lineno or line, node.end_col_offset or column, stays)


def _leave_out(cut: _Cut, lines: list[bytes]) -> None:
    before, after = lines[cut.line - 1][: cut.column], lines[cut.last_line - 1][cut.end :]
    blank = [b"\n"] * (cut.last_line - cut.line)
    lines[cut.line - 1 : cut.last_line] = [(before + cut.stays + after).rstrip() + b"\n", *blank]
