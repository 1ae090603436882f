"""What Terraform files say, compared with the types of the providers and with one another, without Terraform.

Terraform itself says more where it is there (tests/integration/test_terraform_clouds.py); this holds everywhere, and
also finds what nobody uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

from tests.provider_types import Block, NoSuchType, data_type, provider_type, resource_type

_META = {"count", "for_each", "provider", "depends_on"}
_META_BLOCKS = {"lifecycle", "provisioner", "connection", "timeouts"}
_BUILT_IN = "terraform_data"
_REFERENCE = re.compile(
    r"(?<![\w.\"/])(?P<kind>data\.|ephemeral\.)?(?P<type>(?:azurerm|google|random)_\w+)\.(?P<name>\w+)"
    r"(?P<rest>(?:\[[^\]]*\]|\.\w+)*)"
)
_OF_MODULE = re.compile(r"(?<![\w.])module\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?")


@dataclass(frozen=True, slots=True)
class Written:
    """One block of a file: a resource, a data source, a provider; `where` is what a finding calls it."""

    kind: str
    type: str
    name: str
    body: Mapping[str, Any]

    @property
    def where(self) -> str:
        return ".".join(part for part in (self.kind, self.type, self.name) if part)


class Module:
    """A folder of Terraform files, read."""

    def __init__(self, folder: Path, texts: Mapping[str, str] | None = None) -> None:
        """`texts` are the files by name, if they are not those of the folder."""
        self.folder = folder
        found = texts or {file.name: file.read_text("utf-8") for file in sorted(folder.glob("*.tf"))}
        documents = [_plain(hcl2.loads(text)) for text in found.values()]
        self.blocks = [block for document in documents for block in _blocks_of(document)]
        self.variables = {name: body for item in _all(documents, "variable") for name, body in item.items()}
        self.outputs = {name for item in _all(documents, "output") for name in item}
        self.calls = {name: body for item in _all(documents, "module") for name, body in item.items()}
        self.locals = {name for item in _all(documents, "locals") for name in item if not name.startswith("__")}
        self.words = [word for document in documents for word in _words(document)]

    def child(self, name: str) -> Module:
        """The module that is called by that name."""
        return Module((self.folder / self.calls[name]["source"]).resolve())


def findings(module: Module) -> list[str]:
    """Everything that is wrong with one module; empty when nothing is."""
    return [
        *(finding for block in module.blocks for finding in _of_block(block)),
        *_of_references(module),
        *_of_calls(module),
        *_of_names(module),
    ]


def used_by(folders: Iterable[Path]) -> dict[str, tuple[set[str], set[str]]]:
    """The providers of these modules, each with the resources and the data sources that are written there."""
    used: dict[str, tuple[set[str], set[str]]] = {}
    for block in (block for folder in folders for block in Module(folder).blocks):
        if block.kind != "provider" and block.type != _BUILT_IN:
            resources, data = used.setdefault(block.type.partition("_")[0], (set(), set()))
            (data if block.kind == "data" else resources).add(block.type)
    return used


def _of_block(block: Written) -> Iterator[str]:
    try:
        wanted = _type_of(block)
    except NoSuchType as error:
        yield f"{block.where}: {error}"
        return
    if wanted is not None:
        yield from _compare(block.where, block.body, wanted, top=True)


def _type_of(block: Written) -> Block | None:
    if block.type == _BUILT_IN:
        return None
    if block.kind == "provider":
        return provider_type(block.type)
    return data_type(block.type) if block.kind == "data" else resource_type(block.type)


def _compare(where: str, body: Mapping[str, Any], wanted: Block, *, top: bool = False) -> Iterator[str]:
    blocks, arguments = _split(body)
    for name in arguments - (_META if top else set()) - set(wanted.attributes):
        yield f"{where}: wanted no argument {name}" + (", it is a block" if name in wanted.blocks else ", it has none")
    for name in arguments & {name for name, given in wanted.attributes.items() if not given.required | given.optional}:
        yield f"{where}: {name} is given by the provider and cannot be set"
    for name in wanted.required - arguments - set(blocks):
        yield f"{where}: wanted {name}, it is missing"
    for name, bodies in blocks.items():
        if name in wanted.blocks:
            nested = wanted.blocks[name]
            if len(bodies) > 1 and not nested.many:
                yield f"{where}: wanted one block {name}, there are {len(bodies)}"
            for inner in bodies:
                yield from _compare(f"{where}.{name}", inner, nested.block)
        elif not (top and name in _META_BLOCKS):
            yield f"{where}: wanted no block {name}" + (", it is an argument" if name in wanted.attributes else "")


def _split(body: Mapping[str, Any]) -> tuple[dict[str, list[Any]], set[str]]:
    """The blocks in a body by their name, dynamic ones among them, and the names of its arguments."""
    blocks: dict[str, list[Any]] = {}
    arguments = set()
    for name, value in body.items():
        if name == "dynamic":
            for item in value:
                for of, dynamic in item.items():
                    blocks.setdefault(of, []).extend(dynamic["content"])
        elif isinstance(value, list) and value and isinstance(value[0], dict) and _is_block(value[0]):
            blocks.setdefault(name, []).extend(value)
        elif not name.startswith("__"):
            arguments.add(name)
    return blocks, arguments


def _is_block(value: Mapping[str, Any]) -> bool:
    """Of one with labels, such as `provisioner "local-exec"`, the mark is one level down."""
    return "__is_block__" in value or any(
        isinstance(inner, dict) and "__is_block__" in inner for inner in value.values()
    )


def _of_references(module: Module) -> Iterator[str]:
    declared = {(block.kind, block.type, block.name) for block in module.blocks}
    for match in sorted(
        {match[0]: match for word in module.words for match in _REFERENCE.finditer(word)}.values(), key=str
    ):
        kind = (match["kind"] or "resource.").rstrip(".")
        if (kind, match["type"], match["name"]) not in declared:
            yield f"{match[0]}: there is no {kind} {match['type']}.{match['name']}"
            continue
        given = data_type(match["type"]) if kind == "data" else resource_type(match["type"])
        yield from _of_path(match[0], re.findall(r"\.(\w+)", match["rest"]), given)


def _of_path(reference: str, path: list[str], given: Block) -> Iterator[str]:
    for name in path:
        if name in given.attributes:
            return
        if name not in given.blocks:
            yield f"{reference}: it has no {name}"
            return
        given = given.blocks[name].block


def _of_calls(module: Module) -> Iterator[str]:
    for name, body in module.calls.items():
        child = module.child(name)
        given = {argument for argument in body if not argument.startswith("__")} - _META - {"source"}
        for argument in given - set(child.variables):
            yield f"module.{name}: it has no variable {argument}"
        for argument, variable in child.variables.items():
            if "default" not in variable and argument not in given:
                yield f"module.{name}: wanted {argument}, it is missing"
    for name, output in {match for word in module.words for match in _OF_MODULE.findall(word)}:
        if name not in module.calls:
            yield f"module.{name}: there is none"
        elif output and output not in module.child(name).outputs:
            yield f"module.{name}: it has no output {output}"


def _of_names(module: Module) -> Iterator[str]:
    for kind, declared in (("var", set(module.variables)), ("local", module.locals)):
        used = {name for word in module.words for name in re.findall(rf"(?<![\w.]){kind}\.(\w+)", word)}
        yield from (f"{kind}.{name}: it is not declared" for name in used - declared)
        yield from (f"{kind}.{name}: nobody uses it" for name in declared - _outside_checks(module, kind))


def _outside_checks(module: Module, kind: str) -> set[str]:
    """What is used, apart from a variable's own validation."""
    own = {name: set(_words(body)) for name, body in module.variables.items()}
    return {
        name
        for word in module.words
        for name in re.findall(rf"(?<![\w.]){kind}\.(\w+)", word)
        if kind != "var" or word not in own.get(name, set())
    }


def _blocks_of(document: Mapping[str, Any]) -> Iterator[Written]:
    for kind in ("resource", "data", "ephemeral"):
        for item in document.get(kind, []):
            for of, named in item.items():
                for name, body in named.items():
                    if isinstance(body, dict):
                        yield Written(kind, of, name, body)
    for item in document.get("provider", []):
        for of, body in item.items():
            yield Written("provider", of, "", body)


def _all(documents: list[Any], kind: str) -> Iterator[dict[str, Any]]:
    for document in documents:
        yield from document.get(kind, [])


def _plain(value: Any) -> Any:
    """Without the quotes that the parser leaves around text, and without comments."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items() if key != "__comments__"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value[1:-1] if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"' else value


def _words(value: Any) -> Iterator[str]:
    """Every text in it, names and values alike."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, str):
        yield value
