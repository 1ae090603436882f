"""What Terraform's providers take and give, read from the types that were generated from the providers' own schemas.

The packages `@cdktf/provider-*` hold a folder for each resource. In `index.js` every argument comes with its name in
HCL, its kind and whether it is a block; in `index.d.ts` what may be left out has a `?`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).parent / "integration/providers/node_modules/@cdktf"
_ARGUMENT = re.compile(
    r"^ +(?P<name>\w+): \{\n +value: .*?(?:struct\.|this\._)(?P<camel>\w+).*,\n +isBlock: (?P<block>true|false),"
    r'\n +type: "(?P<kind>\w+)",\n +storageClassType: "(?P<of>\w+)",',
    re.MULTILINE,
)
_GIVEN = re.compile(
    r"^ +// (?P<name>\w+) - computed: true, optional: false.*\n(?=(?P<how>(?: .*\n){1,2}))", re.MULTILINE
)
_READ = {"String": "string", "Boolean": "bool", "Number": "number", "Any": "dynamic"}
_SIMPLE = {"string": "string", "boolean": "bool", "number": "number", "any": "dynamic"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One value. `type` is Terraform's own notation: `string`, `["list", "string"]`, `["object", {...}]`."""

    type: Any
    required: bool = False
    optional: bool = False
    computed: bool = False


@dataclass(frozen=True, slots=True)
class Nested:
    """A block in a block. `kind` is list, set or single; of one that is not `many`, there is at most one."""

    block: Block
    kind: str
    many: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Block:
    """What a resource, a data source, a provider or a block in one of them takes and gives."""

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    blocks: Mapping[str, Nested] = field(default_factory=dict)

    @property
    def required(self) -> set[str]:
        """Names of what has to be written, arguments and blocks."""
        arguments = {name for name, attribute in self.attributes.items() if attribute.required}
        return arguments | {name for name, nested in self.blocks.items() if nested.required}


class NoSuchType(LookupError):
    """The provider has no resource or data source of that name."""


def installed() -> bool:
    """Whether the packages are there: `make test` installs them where there is npm."""
    return (PACKAGES / "provider-google").is_dir() and (PACKAGES / "provider-azurerm").is_dir()


@cache
def provider_version(provider: str) -> str:
    """The version whose schema the types were made from, such as 4.55.0."""
    return _found(r"providerVersion: '([\d.]+)'", next((PACKAGES / f"provider-{provider}/lib").glob("*/index.js")))


@cache
def resource_type(name: str) -> Block:
    """What `resource "<name>"` takes and gives. Raises NoSuchType."""
    provider, _, rest = name.partition("_")
    return _read(provider, _FOLDERS.get(name, rest.replace("_", "-")))


@cache
def data_type(name: str) -> Block:
    """What `data "<name>"` takes and gives. Raises NoSuchType."""
    return _read(name.partition("_")[0], f"data-{name.replace('_', '-')}")


@cache
def provider_type(provider: str) -> Block:
    """What `provider "<provider>"` takes."""
    return _read(provider, "provider")


def names_of(provider: str) -> tuple[list[str], list[str]]:
    """The resources and the data sources that the provider has."""
    folders = sorted(path.name for path in (PACKAGES / f"provider-{provider}/lib").iterdir() if path.is_dir())
    data = [name.removeprefix("data-").replace("-", "_") for name in folders if name.startswith(f"data-{provider}-")]
    return [name.replace("-", "_") for name in folders], data


# A folder's name is not always the resource's.
_FOLDERS = {"random_string": "string-resource"}


def _read(provider: str, folder: str) -> Block:
    path = PACKAGES / f"provider-{provider}" / "lib" / folder
    if not path.is_dir():
        raise NoSuchType(f"{provider} {provider_version(provider)} has no {folder}")
    return _Types((path / "index.js").read_text("utf-8"), (path / "index.d.ts").read_text("utf-8")).whole()


@dataclass(frozen=True, slots=True)
class _Types:
    """Both files of one folder."""

    code: str
    declared: str

    def whole(self) -> Block:
        name = re.findall(r"^class (\w+) extends cdktf\.Terraform\w+ \{", self.code, re.MULTILINE)[0]
        body = self._body(rf"class {name} extends")
        return self._block(body[body.index("synthesizeHclAttributes") :], f"{name}Config", body)

    def _nested(self, interface: str) -> Block:
        function = interface[0].lower() + interface[1:]
        body = self._body(rf"function {function}ToHclTerraform\(") if f"function {function}ToHcl" in self.code else ""
        reference = f"class {interface}OutputReference extends"
        return self._block(body, interface, self._body(reference) if reference in self.code else "")

    def _block(self, arguments: str, interface: str, reference: str) -> Block:
        attributes: dict[str, Attribute] = {}
        blocks: dict[str, Nested] = {}
        needed = self._needed(interface)
        for argument in _ARGUMENT.finditer(arguments):
            name, kind, of, required = argument["name"], argument["kind"], argument["of"], argument["camel"] in needed
            if argument["block"] == "true":
                inner = of if kind == "struct" else of.removesuffix("List")
                many = bool(re.search(rf"readonly {argument['camel']}\??: {inner}\[\]", self.declared))
                nesting = "single" if kind == "struct" else kind
                blocks[name] = Nested(self._nested(inner), nesting, many, required)
            else:
                attributes[name] = Attribute(
                    self._type(kind, of), required, not required, computed=name == "id" and not required
                )
        attributes |= {
            given["name"]: Attribute(self._given(given["name"], given["how"]), computed=True)
            for given in _GIVEN.finditer(reference)
        }
        return Block(attributes, blocks)

    def _needed(self, interface: str) -> set[str]:
        body = re.search(
            rf"^export interface {interface}(?: extends [\w.]+)? \{{\n(.*?)^\}}", self.declared, re.M | re.S
        )
        return set(re.findall(r"^    readonly (\w+): ", body[1], re.MULTILINE)) if body else set()

    def _type(self, kind: str, of: str) -> Any:
        if kind == "simple":
            return _SIMPLE[of]
        if of.endswith("ListList"):
            return [kind, ["list", _SIMPLE[of.removesuffix("ListList")]]]
        element = of.removesuffix("Map" if kind == "map" else "List")
        return [kind, _SIMPLE[element] if element in _SIMPLE else self._object(element)]

    def _given(self, name: str, how: str) -> Any:
        """Of what a resource gives: by how it is read."""
        if made := re.search(r"new (?:cdktf\.)?(\w+)\(this, ['\"]\w+['\"](?:, (true|false))?\)", how):
            maps = {"StringMap": "string", "BooleanMap": "bool", "NumberMap": "number", "AnyMap": "dynamic"}
            if made[1] in maps:
                return ["map", maps[made[1]]]
            kind, suffix = (
                ("map", "Map") if made[1].endswith("Map") else ("set" if made[2] == "true" else "list", "List")
            )
            return [kind, self._object(made[1].removesuffix(suffix).removesuffix("OutputReference"))]
        read = re.search(r"get(\w*?)(List|Map|)Attribute\(", how)
        if read is None:
            raise AssertionError(f"{name}: wanted to see how it is read, there was {how!r}")
        kind, element = read[2].lower(), _READ.get(read[1], "string")
        if kind == "list" and "tolist" in how:
            kind = "set"
        return [kind, element] if kind else element

    def _object(self, interface: str) -> Any:
        block = self._nested(interface)
        inner = {name: attribute.type for name, attribute in block.attributes.items()}
        inner |= {name: [nested.kind, _as_object(nested.block)] for name, nested in block.blocks.items()}
        return ["object", inner]

    def _body(self, opening: str) -> str:
        """A class or a function, up to the brace that closes it at the line's begin."""
        found = re.search(rf"^{opening}.*?^\}}", self.code, re.MULTILINE | re.DOTALL)
        if found is None:
            raise AssertionError(f"wanted {opening} in the types, there is none")
        return found[0]


def _as_object(block: Block) -> Any:
    inner = {name: attribute.type for name, attribute in block.attributes.items()}
    return ["object", inner | {name: [nested.kind, _as_object(nested.block)] for name, nested in block.blocks.items()}]


def _found(pattern: str, file: Path) -> str:
    match = re.search(pattern, file.read_text("utf-8"))
    if match is None:
        raise AssertionError(f"wanted {pattern} in {file}, there is none")
    return match[1]
