"""What of burgee's modules a function can come to use: the definitions that some text of its package mentions.

Law: a name that is mentioned anywhere, in whatever module and as whatever, stays with all that has that name.
Modules run nothing at their import but definitions, so that one that nobody mentions is not missed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import chain


def mentioned_only(modules: Mapping[str, bytes], *, entry: str) -> dict[str, bytes]:
    """The modules by their paths, without top-level definitions and imports of names that nothing mentions.

    What is mentioned alone by something that goes, goes as well; all of `entry` stays.
    """
    trees = {path: ast.parse(source, filename=path) for path, source in modules.items()}
    names = _mentioned(trees, entry)
    return {
        path: source if path == entry else b"".join(_without(trees[path], names, source.splitlines(keepends=True)))
        for path, source in modules.items()
    }


def _mentioned(trees: Mapping[str, ast.Module], entry: str) -> set[str]:
    """The names that are mentioned by what runs at once, by what these names are of, and so on."""
    mentioning: list[ast.AST] = [trees[entry]]
    waiting: list[tuple[set[str], ast.AST]] = []
    for statement in chain.from_iterable(tree.body for path, tree in trees.items() if path != entry):
        made = _made_by(statement)
        if isinstance(statement, ast.ImportFrom):
            # To import a name is not to use it.
            waiting += [({alias.asname or alias.name}, alias) for alias in statement.names]
        elif made:
            waiting.append((made, statement))
        else:
            mentioning.append(statement)
    names: set[str] = set()
    while mentioning:
        names.update(chain.from_iterable(map(_names_in, mentioning)))
        mentioning = [node for made, node in waiting if made & names]
        waiting = [(made, node) for made, node in waiting if not made & names]
    return names


def _made_by(statement: ast.stmt) -> set[str]:
    """The names that it defines, if that is all it does and none of them is for Python itself."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            made = {name}
        case ast.Assign(targets=targets) if all(isinstance(target, ast.Name) for target in targets):
            made = {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.ImportFrom(names=aliases):
            made = {alias.asname or alias.name for alias in aliases}
        case _:
            made = set()
    return set() if any(name.startswith("__") for name in made) else made


def _names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str(text)) if text.isidentifier():
                yield text
            case ast.alias(name=name):
                yield from name.split(".")
            case ast.Global(names=names) | ast.MatchClass(kwd_attrs=names):
                yield from names


def _without(tree: ast.Module, names: set[str], lines: list[bytes]) -> list[bytes]:
    """The lines without what makes none of `names`. Statements of our sources share no line."""
    for statement in reversed(tree.body):
        made = _made_by(statement)
        if not made - names or (made & names and not isinstance(statement, ast.ImportFrom)):
            continue
        decorators = statement.decorator_list if isinstance(statement, ast.FunctionDef | ast.ClassDef) else []
        first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
        lines[first - 1 : statement.end_lineno] = _import_of(statement, names)
    return lines


def _import_of(statement: ast.stmt, names: set[str]) -> list[bytes]:
    """What stays of an import; nothing of anything else."""
    if not isinstance(statement, ast.ImportFrom):
        return []
    aliases = [alias for alias in statement.names if (alias.asname or alias.name) in names]
    stays = ast.ImportFrom(statement.module, aliases, statement.level)
    return [ast.unparse(stays).encode() + b"\n"] if aliases else []
