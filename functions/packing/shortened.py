"""Sources whose local variables have names of a letter or two, and that have no blanks which Python can do without.

Law: the program does what it did. Modules, functions, parameters, attributes and everything else that one can see from
outside of a function keeps its name, so that tracebacks tell where they come from.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, product
from string import ascii_lowercase

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_DEPTHS = {tokenize.INDENT: 1, tokenize.DEDENT: -1}
_NO_TEXT = (tokenize.ENCODING, tokenize.NL, tokenize.ENDMARKER)


def shortened(source: bytes) -> bytes:
    """The same program, shorter. It has no comments: `stripped` took them away."""
    return _squeezed(_renamed(source))


def _renamed(source: bytes) -> bytes:
    tree = ast.parse(source)
    known = _known_everywhere(tree)
    lines = source.splitlines(keepends=True)
    places: list[tuple[int, int, int, str]] = []
    for function in _outermost(tree.body):
        names = [node for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Name)]
        short = _short_names(function, known)
        places += [(n.lineno, n.col_offset, len(n.id.encode()), short[n.id]) for n in names if n.id in short]
    # From the end, so that columns hold until they are used.
    for line, column, length, name in sorted(places, reverse=True):
        text = lines[line - 1]
        lines[line - 1] = text[:column] + name.encode() + text[column + length :]
    return b"".join(lines)


def _outermost(statements: Iterable[ast.stmt]) -> Iterator[_Function]:
    """Functions and methods, not those inside of them."""
    for statement in statements:
        if isinstance(statement, _Function):
            yield statement
        elif isinstance(statement, ast.ClassDef):
            yield from _outermost(statement.body)


def _known_everywhere(tree: ast.Module) -> set[str]:
    """What a name inside of a function may mean when the function does not bind it."""
    known = set(dir(builtins))
    outside = [node for node in tree.body if not isinstance(node, _Function | ast.ClassDef)]
    known.update(node.id for node in chain.from_iterable(map(ast.walk, outside)) if isinstance(node, ast.Name))
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                known.add(name)
            case ast.alias():
                known.add((node.asname or node.name).partition(".")[0])
            case ast.Global(names=names):
                known.update(names)
    return known


def _short_names(function: _Function, known: set[str]) -> dict[str, str]:
    """New names of variables by old ones, in the order of their first appearance.

    A name is one variable or several within the function: they all get the same new name, which none else has there.
    """
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    stay = known | set(chain.from_iterable(map(_staying, [function, *nodes])))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)} - stay
    taken = stay | {node.id for node in names} - bound
    new = (name for name in _free_names() if name not in taken)
    ordered = sorted(names, key=lambda node: (node.lineno, node.col_offset))
    return dict(zip(dict.fromkeys(node.id for node in ordered if node.id in bound), new, strict=False))


def _staying(node: ast.AST) -> Iterator[str]:
    """Names that a node binds without an expression, or that are where Python tells no column."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            yield from (inner.arg for inner in ast.walk(node.args) if isinstance(inner, ast.arg))
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Nonlocal(names=names):
            yield from names
        case ast.JoinedStr() | ast.ClassDef():
            # Columns within f-strings are wrong before Python 3.12; bodies of classes make attributes.
            yield from (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _free_names() -> Iterator[str]:
    pairs = ("".join(pair) for pair in product(ascii_lowercase, repeat=2))
    return (name for name in chain(ascii_lowercase, pairs) if not keyword.iskeyword(name))


def _squeezed(source: bytes) -> bytes:
    """One blank for each level of depth, one between what would be one word without, and none elsewhere."""
    parts: list[str] = []
    depth, before = 0, ""
    for kind, text in _tokens(source):
        if kind in _DEPTHS:
            depth += _DEPTHS[kind]
        elif kind == tokenize.NEWLINE:
            parts.append("\n")
            before = ""
        elif kind not in _NO_TEXT:
            parts += (" " * depth if not before else " " if _is_one_word(before, text) else "", text)
            before = text
    return "".join(parts).encode()


def _is_one_word(before: str, text: str) -> bool:
    return _in_word(before[-1]) and (_in_word(text[0]) or (before[0].isdigit() and text[0] == "."))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _tokens(source: bytes) -> Iterator[tuple[int, str]]:
    """Kinds and texts; an f-string is one token, as it was before Python 3.12."""
    rows = source.decode().split("\n")
    begun: list[tuple[int, int]] = []
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        name = tokenize.tok_name[token.type]
        if name in ("FSTRING_START", "TSTRING_START"):
            begun.append(token.start)
        elif name in ("FSTRING_END", "TSTRING_END"):
            start = begun.pop()
            if not begun:
                yield tokenize.STRING, _between(rows, start, token.end)
        elif not begun:
            yield token.type, token.string


def _between(rows: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """The text from a place to another; rows are from 1, columns in characters from 0."""
    chosen = list(rows[start[0] - 1 : end[0]])
    chosen[-1] = chosen[-1][: end[1]]
    chosen[0] = chosen[0][start[1] :]
    return "\n".join(chosen)
