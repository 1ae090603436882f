"""What evaluate's packages leave out of burgee's sources: names that nobody mentions, and letters that nobody needs."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType

import pytest
from functions.packing.mentioned import mentioned_only
from functions.packing.shortened import shortened
from functions.packing.stripped import stripped

from tests.packages import ROOT

SOURCES = sorted((ROOT / "shared" / "burgee").rglob("*.py"))
_VARIABLES = ("_FAST", "_DEREF")
# What inner functions share is in the order of its names.
_UNORDERED = ("MAKE_CELL", "LOAD_CLOSURE")


def short(text: str) -> str:
    return shortened(text.encode()).decode()


def left(modules: Mapping[str, str], entry: str = "from burgee.a import f\nf()\n") -> dict[str, str]:
    """The modules of `burgee` that stay beside an entry, by name."""
    given = {f"burgee/{name}.py": text.encode() for name, text in modules.items()} | {"main.py": entry.encode()}
    made = mentioned_only(given, entry="main.py")
    assert made.pop("main.py") == entry.encode()
    return {path.removeprefix("burgee/").removesuffix(".py"): content.decode() for path, content in made.items()}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "shared").as_posix())
def test_shortened_sources_do_instruction_by_instruction_what_the_originals_do(path: Path) -> None:
    source = stripped(path.read_bytes())
    short = shortened(source)
    assert len(short) <= len(source)
    before, after = in_one_line(source), in_one_line(short)
    names: dict[str, dict[object, object]] = {}
    for one, other in zip(instructions(before), instructions(after), strict=True):
        (function, kind, name), (_, its_kind, its_name) = one, other
        if kind == its_kind and any(word in kind for word in _VARIABLES):
            # One new name for each old one.
            assert names.setdefault(function, {}).setdefault(name, its_name) == its_name
        elif kind not in _UNORDERED:
            assert one == other
    for renamed in names.values():
        assert len(set(renamed.values())) == len(renamed)
    assert signatures(source) == signatures(short)


def in_one_line(source: bytes) -> CodeType:
    """The program as if all of it were in one line; what Python makes of it depends on where lines end."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr | ast.excepthandler | ast.arg | ast.keyword | ast.alias | ast.pattern):
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = 0
    code: CodeType = compile(tree, "here", "exec", dont_inherit=True)
    return code


def instructions(code: CodeType, outermost: str = "") -> Iterator[tuple[str, str, object]]:
    """The outermost function, the operation and what it is of, for this code and for what is in it."""
    for instruction in dis.get_instructions(code):
        argument = instruction.argval
        yield outermost, instruction.opname, argument.co_name if isinstance(argument, CodeType) else argument
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            is_function = constant.co_flags & 2
            yield from instructions(constant, outermost or (constant.co_qualname if is_function else ""))


def signatures(source: bytes) -> list[str]:
    """Names and parameters of all functions, and names of classes."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (*functions, ast.ClassDef))]
    return [f"{node.name} {ast.unparse(node.args) if isinstance(node, functions) else ''}" for node in nodes]


def test_variables_become_letters_and_whatever_can_be_seen_from_outside_keeps_its_name() -> None:
    assert short(
        "Limit = 3\n"
        "def reads(given, *, key=Limit):\n"
        "    wanted = given.count\n"
        "    for each in (wanted, Limit):\n"
        "        given.seen(each, key=wanted)\n"
    ) == ("Limit=3\ndef reads(given,*,key=Limit):\n a=given.count\n for b in(a,Limit):\n  given.seen(b,key=a)\n")


@pytest.mark.parametrize(
    "body",
    [
        "try: pass\n except OSError as error: raise error",
        "match given:\n  case [first, *others] if first: return others",
        "match given:\n  case {'a': first, **others}: return first, others",
        "from os import path as place\n return place",
        "def inner(inside): return inside\n return inner",
        "global Limit\n Limit=1",
        "import json\n return json",
        "return lambda inside: inside",
        'text=1\n return f"{text}"',
        'text=1\n return f"{text=}"',
        "class Inner: own=1\n return Inner",
    ],
)
def test_names_that_are_bound_in_other_ways_or_told_in_texts_stay(body: str) -> None:
    whole = f"def f(given):\n {body}\n"
    assert ast.dump(ast.parse(short(whole))) == ast.dump(ast.parse(whole))


def test_a_name_of_the_module_stays_where_a_function_has_a_variable_of_that_name() -> None:
    text = "found=1\ndef f():\n a=[found for found in()]\n return found,a\n"
    assert short(text) == text


def test_a_new_name_is_no_name_that_the_function_has_already() -> None:
    assert short("def f(a):\n    first, c = b, a\n    return first\n") == "def f(a):\n c,d=b,a\n return c\n"


def test_defaults_and_decorators_belong_to_what_is_around_a_function() -> None:
    text = "class A:\n own=1\n def f(self,x=own):\n  own=x\n  return own\n"
    assert short(text) == "class A:\n own=1\n def f(self,x=own):\n  a=x\n  return a\n"


def test_texts_stay_to_the_letter_and_blanks_where_words_would_run_together() -> None:
    source = 'x = 1 if  y else - 2\nz = [not  x, 1 .real, 0x1f or 2, f"a {x !r:> {y}}  b" "c  d", b"é"]  \n'.replace(
        "é", "e"
    )
    assert short(source) == 'x=1 if y else-2\nz=[not x,1 .real,0x1f or 2,f"a {x !r:> {y}}  b""c  d",b"e"]\n'


def test_texts_of_several_lines_stay_as_they_are() -> None:
    source = 'def f():\n    return """é  \n      b""" + f"""{ 1 }\n  c"""\n'
    assert short(source) == 'def f():\n return"""é  \n      b"""+f"""{ 1 }\n  c"""\n'


def test_what_nobody_mentions_goes_with_what_it_alone_mentions() -> None:
    modules = {"a": "_x = 1\n_y = 2\n\n\ndef f():\n    return _x\n\n\n@cache\ndef g():\n    return _y, g\n"}
    assert left(modules) == {"a": "_x = 1\n\n\ndef f():\n    return _x\n\n\n"}


def test_an_import_goes_when_no_text_mentions_what_it_brings() -> None:
    modules = {
        "a": "from .b import f, g as h, kept\n\n\ndef other():\n    return h()\n",
        "b": "f = 1\ng = 2\nkept = 3\n",
    }
    made = left(modules, "from burgee.a import kept\nkept\n")
    assert made == {"a": "from .b import kept\n\n\n", "b": "kept = 3\n"}


def test_what_is_imported_by_another_name_stays() -> None:
    modules = {"a": "from .b import g as h\nf = h\n", "b": "g = 1\nx = 2\n"}
    assert left(modules) == {"a": "from .b import g as h\nf = h\n", "b": "g = 1\n"}


@pytest.mark.parametrize("mention", ['"g"', "x.g", "lambda: g", "y(x=g)"])
def test_what_is_mentioned_as_whatever_stays(mention: str) -> None:
    modules = {"a": f"def f():\n    return {mention}\n", "b": "def g():\n    pass\n"}
    assert left(modules) == modules


def test_statements_that_do_something_and_names_for_python_itself_stay() -> None:
    modules = {"a": "f = 1\n__all__ = 2\nf.x = 3\nif f:\n    y = 4\n"}
    assert left(modules) == modules
