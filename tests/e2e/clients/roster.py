"""Every client that the tests run, over every transport that it can use: the one table of docs/clients.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"

# How a client takes part of the work, by the profile under which burgee gives the same answers (docs/compatibility.md).
BY_ITSELF_AS_PYTHON, BY_ITSELF_AS_JAVASCRIPT, BY_BURGEE = "C+/client", "C/client", "C/server"

# Transports.
API, STREAM, FILES, BUCKET = "API", "API, streaming", "static files", "S3 bucket"

# How a client sees a change.
POLLS, STREAMS, EACH_CALL, REFRESH = (
    "at its next poll",
    "at once",
    "at the next call",
    "when the page calls `refresh()`",
)

# What a client answers during an outage.
LAST_GOOD, DEFAULT, RAISES = "the last good answers", "the caller's default, with an error", "an error"


class Errors(NamedTuple):
    """What a client says, or part of it, of what is not there or not allowed."""

    flag: str
    kind: str
    token: str
    environment: str


class Client(NamedTuple):
    """A client: packages that are used together, in a language, and who evaluates."""

    packages: tuple[str, ...]
    registry: str
    language: str
    profile: str
    errors: Errors

    @property
    def name(self) -> str:
        return " with ".join(f"`{package}`" for package in self.packages)

    @property
    def speaks_ofrep(self) -> bool:
        return "ofrep" in self.packages[-1] or self.packages[-1] == "openfeature-provider-flipt"


class Way(NamedTuple):
    """A client over one transport: the program or page that uses it, and what the tests hold it to."""

    name: str
    client: Client
    transport: str
    program: tuple[str, ...]
    changes: str
    outage: str

    @property
    def in_a_page(self) -> bool:
        return self.program[0] == "page"

    @property
    def needs_node(self) -> bool:
        return self.client.registry == "npm"


_PYTHON, _NODE, _PAGES = "Python", "JavaScript (node)", "JavaScript (browser)"
_NO_FLAG, _OTHER_KIND = "failed to get flag information", "is not a boolean flag"
_BY_FLIPT = Errors(_NO_FLAG, _OTHER_KIND, token=_NO_FLAG, environment=_NO_FLAG)
_BY_FLIPT_JS = Errors(_NO_FLAG, _OTHER_KIND, token="Unauthorized", environment="Failed to fetch")
_BY_REST = Errors(
    flag='404 flag "default/no-such-flag" not found',
    kind="400 flag type VARIANT_FLAG_TYPE invalid",
    token="401 request was not authenticated",
    environment='environment: "no-such" not found',
)
_BY_OFREP = Errors("FLAG_NOT_FOUND", "TYPE_MISMATCH", token="GENERAL", environment="FLAG_NOT_FOUND")
_BY_OFREP_PAGE = _BY_OFREP._replace(token="ProviderFatalError", environment="GeneralError")

FLIPT_CLIENT = Client(("flipt-client",), "PyPI", _PYTHON, BY_ITSELF_AS_PYTHON, _BY_FLIPT)
FLIPT = Client(("flipt",), "PyPI", _PYTHON, BY_BURGEE, _BY_REST)
OFREP = Client(("openfeature-sdk", "openfeature-provider-ofrep"), "PyPI", _PYTHON, BY_BURGEE, _BY_OFREP)
OFREP_FLIPT = Client(("openfeature-sdk", "openfeature-provider-flipt"), "PyPI", _PYTHON, BY_BURGEE, _BY_OFREP)
FLIPT_NODE = Client(("@flipt-io/flipt-client-js",), "npm", _NODE, BY_ITSELF_AS_JAVASCRIPT, _BY_FLIPT_JS)
FLIPT_PAGE = Client(("@flipt-io/flipt-client-js",), "npm", _PAGES, BY_ITSELF_AS_JAVASCRIPT, _BY_FLIPT_JS)
OFREP_NODE = Client(("@openfeature/server-sdk", "@openfeature/ofrep-provider"), "npm", _NODE, BY_BURGEE, _BY_OFREP)
OFREP_PAGE = Client(
    ("@openfeature/web-sdk", "@openfeature/ofrep-web-provider"), "npm", _PAGES, BY_BURGEE, _BY_OFREP_PAGE
)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"{__package__}.{name}", *arguments)


def _node(name: str) -> tuple[str, ...]:
    return ("node", str(FOLDER / name))


_POLLING, _STREAMING = _module("flipt_engine", "polling"), _module("flipt_engine", "streaming")
_FLIPT_PAGE, _OFREP_PAGE = ("page", "pages/flipt.html"), ("page", "pages/ofrep.html")

WAYS = (
    Way("flipt-client", FLIPT_CLIENT, API, _POLLING, POLLS, LAST_GOOD),
    Way("flipt-client-streaming", FLIPT_CLIENT, STREAM, _STREAMING, STREAMS, LAST_GOOD),
    Way("flipt-client-files", FLIPT_CLIENT, FILES, _POLLING, POLLS, LAST_GOOD),
    Way("flipt-client-bucket", FLIPT_CLIENT, BUCKET, _POLLING, POLLS, LAST_GOOD),
    Way("flipt", FLIPT, API, _module("flipt_rest"), EACH_CALL, RAISES),
    Way("ofrep", OFREP, API, _module("openfeature_ofrep", "ofrep"), EACH_CALL, DEFAULT),
    Way("ofrep-flipt", OFREP_FLIPT, API, _module("openfeature_ofrep", "flipt"), EACH_CALL, DEFAULT),
    Way("flipt-node", FLIPT_NODE, API, _node("flipt_node.mjs"), POLLS, LAST_GOOD),
    Way("flipt-node-files", FLIPT_NODE, FILES, _node("flipt_node.mjs"), POLLS, LAST_GOOD),
    Way("flipt-node-bucket", FLIPT_NODE, BUCKET, _node("flipt_node.mjs"), POLLS, LAST_GOOD),
    Way("flipt-page", FLIPT_PAGE, API, _FLIPT_PAGE, REFRESH, LAST_GOOD),
    Way("flipt-page-files", FLIPT_PAGE, FILES, _FLIPT_PAGE, REFRESH, LAST_GOOD),
    Way("flipt-page-bucket", FLIPT_PAGE, BUCKET, _FLIPT_PAGE, REFRESH, LAST_GOOD),
    Way("ofrep-node", OFREP_NODE, API, _node("openfeature_node.mjs"), EACH_CALL, DEFAULT),
    Way("ofrep-page", OFREP_PAGE, API, ("page", "pages/ofrep.html?polling"), POLLS, LAST_GOOD),
    Way("ofrep-page-streaming", OFREP_PAGE, STREAM, ("page", "pages/ofrep.html?sse"), STREAMS, LAST_GOOD),
)


def table() -> Iterator[str]:
    """The lines of the table of what works, with the versions that are installed."""
    yield "| Client | Language | Version | Transport | Who evaluates | Sees a change | During an outage |"
    yield "|---|---|---|---|---|---|---|"
    for way in WAYS:
        client = way.client
        versions = ", ".join(_installed(client, package) for package in client.packages)
        who = "burgee" if client.profile == BY_BURGEE else f"the client, as `{client.profile}`"
        cells = (client.name, client.language, versions, way.transport, who, way.changes, way.outage)
        yield f"| {' | '.join(cells)} |"


def table_of_errors() -> Iterator[str]:
    """The lines of the table of what clients say of what is not there or not allowed."""
    yield "| Client | Language | No such flag | A flag of the other type | A wrong token | No such environment |"
    yield "|---|---|---|---|---|---|"
    for client in dict.fromkeys(way.client for way in WAYS):
        cells = (client.name, client.language, *(f"`{error}`" for error in client.errors))
        yield f"| {' | '.join(cells)} |"


def _installed(client: Client, package: str) -> str:
    if client.registry == "PyPI":
        return version(package)
    return str(json.loads((MODULES / package / "package.json").read_text())["version"])
