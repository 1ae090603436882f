"""Sources without comments and docstrings, line for line: what a traceback says of them holds for the originals."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class _Cut(NamedTuple):
    """What goes, and what stays in its place; lines are from 1, columns in bytes from 0."""

    line: int
    column: int
    last_line: int
    end: int
    stays: bytes = b""


def stripped(source: bytes) -> bytes:
    """The same program with `__doc__` None where a docstring was; a body that was only one is `pass`."""
    lines = source.splitlines(keepends=True)
    cuts = [*_docstrings(ast.parse(source)), *_comments(source, lines)]
    # From the end, so that columns hold until they are used.
    for cut in sorted(cuts, reverse=True):
        _leave_out(cut, lines)
    return b"".join(lines)


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


def _leave_out(cut: _Cut, lines: list[bytes]) -> None:
    before, after = lines[cut.line - 1][: cut.column], lines[cut.last_line - 1][cut.end :]
    blank = [b"\n"] * (cut.last_line - cut.line)
    lines[cut.line - 1 : cut.last_line] = [(before + cut.stays + after).rstrip() + b"\n", *blank]
