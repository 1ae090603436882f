"""A provider for Terraform that knows the types of a real one, and no cloud: what is made is remembered by the state.

Terraform checks every argument and every expression against the types, plans, applies and plans again; what a cloud
would have said of a value, such as that a name is taken, nobody says here. Attributes that a cloud makes up are made up
here, from the resource's own.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc

from tests.provider_types import Attribute, Block, data_type, provider_type, resource_type
from tests.servers.terraform_wire import UNKNOWN, Fields, fields_of, message, packed, unpacked

_MODES = {"single": 1, "list": 2, "set": 3}
_PROTOCOL = 6
# Arguments that a provider reads once and keeps nowhere.
_WRITE_ONLY = "_wo"
Call = Callable[[Fields], bytes]


@contextmanager
def providers(used: Mapping[str, tuple[set[str], set[str]]]) -> Iterator[dict[str, str]]:
    """Providers by name, each with the resources and data sources that are used; the variables that Terraform needs."""
    with ExitStack() as stack:
        where = {name: stack.enter_context(_serving(name, *types)) for name, types in used.items()}
        told = {
            f"registry.terraform.io/hashicorp/{name}": {
                "Protocol": "grpc",
                "ProtocolVersion": _PROTOCOL,
                "Pid": 1,
                "Test": True,
                "Addr": {"Network": "tcp", "String": address},
            }
            for name, address in where.items()
        }
        yield {"TF_REATTACH_PROVIDERS": json.dumps(told)}


@contextmanager
def _serving(provider: str, resources: set[str], data: set[str]) -> Iterator[str]:
    calls = _Calls(
        provider,
        {name: resource_type(name) for name in sorted(resources)},
        {name: data_type(name) for name in sorted(data)},
    )
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(lambda request, _context, call=call: call(fields_of(request)))
        for name, call in calls.table().items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"tfplugin{_PROTOCOL}.Provider", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class _Calls:
    """What Terraform may ask. Numbers are those of the protocol's fields."""

    def __init__(self, provider: str, resources: Mapping[str, Block], data: Mapping[str, Block]) -> None:
        self._provider = provider
        self._resources = resources
        self._data = data
        self._ephemeral = {name: block for name, block in resources.items() if name == "random_password"}

    def table(self) -> dict[str, Call]:
        nothing: Call = lambda _request: b""  # noqa: E731
        return {
            "GetProviderSchema": self._schema,
            "ValidateProviderConfig": nothing,
            "ValidateResourceConfig": nothing,
            "ValidateDataResourceConfig": nothing,
            "ValidateEphemeralResourceConfig": nothing,
            "ConfigureProvider": nothing,
            "StopProvider": nothing,
            "CloseEphemeralResource": nothing,
            "UpgradeResourceState": lambda request: message((1, message((2, fields_of(request[3][0])[1][0])))),
            "ReadResource": lambda request: message((1, request[2][0])),
            "PlanResourceChange": self._plan,
            "ApplyResourceChange": self._apply,
            "ReadDataSource": self._read,
            "OpenEphemeralResource": self._open,
        }

    def _schema(self, _request: Fields) -> bytes:
        return message(
            (1, _schema(provider_type(self._provider))),
            *((2, message((1, name), (2, _schema(block)))) for name, block in self._resources.items()),
            *((3, message((1, name), (2, _schema(block)))) for name, block in self._data.items()),
            *((8, message((1, name), (2, _schema(block)))) for name, block in self._ephemeral.items()),
        )

    def _plan(self, request: Fields) -> bytes:
        proposed = _value(request[3][0])
        if proposed is None:
            return message((1, _dynamic(None)))
        block = self._resources[_text(request)]
        return message((1, _dynamic(_filled(block, proposed, lambda _name, _attribute: UNKNOWN))))

    def _apply(self, request: Fields) -> bytes:
        planned = _value(request[3][0])
        if planned is None:
            return message((1, _dynamic(None)))
        name = _text(request)
        return message((1, _dynamic(_filled(self._resources[name], planned, _MadeUp(name, planned)))))

    def _read(self, request: Fields) -> bytes:
        name = _text(request)
        asked = _value(request[2][0])
        return message((1, _dynamic(_filled(self._data[name], asked, _MadeUp(name, asked)))))

    def _open(self, request: Fields) -> bytes:
        name = _text(request)
        asked = _value(request[2][0])
        return message((3, _dynamic(_filled(self._ephemeral[name], asked, _MadeUp(name, asked)))))


def _schema(block: Block) -> bytes:
    return message((2, _block(block)))


def _block(block: Block) -> bytes:
    return message(
        *((2, _attribute(name, attribute)) for name, attribute in sorted(block.attributes.items())),
        *(
            (
                3,
                message(
                    (1, name),
                    (2, _block(nested.block)),
                    (3, _MODES[nested.kind]),
                    (4, 1 if nested.required and nested.kind != "single" else None),
                    (5, 1 if not nested.many and nested.kind != "single" else None),
                ),
            )
            for name, nested in sorted(block.blocks.items())
        ),
    )


def _attribute(name: str, attribute: Attribute) -> bytes:
    return message(
        (1, name),
        (2, json.dumps(attribute.type)),
        (4, attribute.required),
        (5, attribute.optional),
        (6, attribute.computed),
        (11, name.endswith(_WRITE_ONLY)),
    )


def _filled(block: Block, value: dict[str, Any], fill: Callable[[str, Attribute], Any]) -> dict[str, Any]:
    """The value with what the cloud makes up, where it is not there yet; without what is kept nowhere."""
    filled: dict[str, Any] = {}
    for name, attribute in block.attributes.items():
        given = value.get(name)
        missing = given is UNKNOWN or (given is None and attribute.computed)
        filled[name] = None if name.endswith(_WRITE_ONLY) else fill(name, attribute) if missing else given
    for name, nested in block.blocks.items():
        given = value.get(name)
        if isinstance(given, list):
            filled[name] = [_filled(nested.block, item, fill) for item in given]
        else:
            filled[name] = _filled(nested.block, given, fill) if isinstance(given, dict) else given
    return filled


class _MadeUp:
    """What a cloud would have made up for one resource: the same again for the same resource."""

    def __init__(self, kind: str, value: Mapping[str, Any]) -> None:
        self._kind = kind
        self._value = value
        named = (value.get(key) for key in ("name", "account_id", "secret_id", "role_id", "job_id"))
        self._name = next((str(name) for name in named if name and name is not UNKNOWN), "it")

    def __call__(self, name: str, attribute: Attribute) -> Any:
        if self._kind == "random_password" and name == "result":
            return "".join(secrets.choice(string.ascii_letters) for _ in range(self._value["length"]))
        if attribute.type == "string":
            return _LIKE.get(name, "{kind}/{name}/" + name).format(kind=self._kind, name=self._name)
        if isinstance(attribute.type, str):
            return {"number": 1, "bool": True}.get(attribute.type)
        return {} if attribute.type[0] == "map" else []


# Where others build upon what it looks like.
_LIKE = {
    "default_hostname": "{name}.azurewebsites.net",
    "primary_blob_endpoint": "https://{name}.blob.core.windows.net/",
    "primary_blob_host": "{name}.blob.core.windows.net",
    "primary_queue_endpoint": "https://{name}.queue.core.windows.net/",
    "email": "{name}@acme-flags.iam.gserviceaccount.com",
    "member": "serviceAccount:{name}@acme-flags.iam.gserviceaccount.com",
    "uri": "https://{name}-abcdefghij-ew.a.run.app",
    "project_id": "acme-flags",
    "subscription_id": "00000000-0000-0000-0000-000000000000",
    "number": "123456789012",
}


def _text(request: Fields) -> str:
    name: str = request[1][0].decode()
    return name


def _value(dynamic: bytes) -> Any:
    return unpacked(fields_of(dynamic)[1][0])


def _dynamic(value: Any) -> bytes:
    return message((1, packed(value)))
