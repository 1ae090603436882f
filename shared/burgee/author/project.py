"""The project file, `burgee.yaml`: environments and where their flags are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
)
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails

from ..core.errors import InvalidFiles
from ..core.model import DEFAULT_PROFILE, PROFILES
from .durations import parse_duration
from .fields import quote_it
from .finding import Finding, Findings, did_you_mean, shown
from .ignore import MOST_PATTERNS, compile_ignore
from .locate import locate
from .read import read

PROJECT_FILE = "burgee.yaml"
MIRROR_SCHEMES = ("s3", "azblob", "gs", "oci")
DEFAULT_READER_TTL = 60
DEFAULT_CLOCK_SKEW = 5_000
_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$")


@dataclass(frozen=True, slots=True)
class Environment:
    """Where an environment's flags come from, and how its releases are made.

    `activation_delay` and `clock_skew` are in milliseconds, `max_reader_ttl` in seconds; `directory` is `.` for the
    whole repository. `near_instant` says what becomes of an instant for which readers cannot be ready, `tests` what
    failing flag tests mean for a publish.
    """

    ref: str = "main"
    directory: str = "."
    ignore: tuple[str, ...] = ()
    activation_delay: int = 0
    max_reader_ttl: int = DEFAULT_READER_TTL
    mirrors: tuple[str, ...] = ()
    profile: str = DEFAULT_PROFILE
    clock_skew: int = DEFAULT_CLOCK_SKEW
    near_instant: Literal["refuse", "shift"] = "refuse"
    tests: Literal["require", "warn", "ignore"] = "warn"


@dataclass(frozen=True, slots=True)
class Project:
    """Environments by name; `default` names one of them. `pipelines` are as authored."""

    environments: Mapping[str, Environment]
    default: str
    pipelines: Mapping[str, Any]
    version: int = 1


def read_project(content: bytes, path: str = PROJECT_FILE) -> Project:
    """The project of a `burgee.yaml`. Raises InvalidFiles with every mistake in it."""
    reading = read("burgee.yaml", content)
    findings = list(reading.findings)
    project = None
    if not findings and len(reading.documents) != 1:
        message = f"wanted one YAML document, got {len(reading.documents)}"
        findings.append(Finding((), "wrong-type", message, "start with version: 1 and environments:", line=1, column=1))
    if not findings:
        project = _project(reading.documents[0], findings)
    if project is None:
        located = locate(content, findings, json=False)
        raise InvalidFiles(tuple(sorted(finding.problem(path) for finding in located)))
    return project


def project_schema() -> dict[str, Any]:
    """The JSON Schema of `burgee.yaml`, for editors."""
    schema = _ProjectFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "burgee project"}


def _relative_directory(directory: str) -> str:
    names = [name for name in directory.split("/") if name not in ("", ".")]
    if directory == "" or directory.startswith("/") or ".." in names or "\\" in directory or "\0" in directory:
        raise ValueError("wanted a directory relative to the repository root, without '..', such as flags/production")
    return "/".join(names) or "."


def _branch(ref: str) -> str:
    if not ref or _BAD_REF.search(ref):
        raise ValueError("wanted a branch name such as main")
    return ref


def _mirror(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or not rest or scheme not in MIRROR_SCHEMES:
        raise ValueError("wanted an address that begins with s3://, azblob://, gs:// or oci://")
    return url


def _profile(name: str) -> str:
    if name not in PROFILES:
        raise ValueError(f"wanted one of {', '.join(PROFILES)}")
    return name


def _ignore_pattern(pattern: str) -> str:
    compile_ignore(pattern)
    return pattern


def _few_patterns(patterns: object) -> object:
    if isinstance(patterns, list) and len(patterns) > MOST_PATTERNS:
        raise ValueError(f"wanted at most {MOST_PATTERNS} patterns, not {len(patterns)}")
    return patterns


def _whole_seconds(text: object) -> int:
    duration = parse_duration(text)
    if duration % 1000:
        raise ValueError("wanted whole seconds, such as 60s")
    return duration // 1000


def _exactly_one(version: object) -> object:
    # To Python, and so to pydantic, true and 1.0 equal 1.
    return version if type(version) is int else f"{version}"


_DURATION_SCHEMA: JsonDict = {
    "type": "string",
    "pattern": r"^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$",
    "examples": ["60s", "2m", "1h30m"],
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _EnvironmentModel(_Model):
    default: StrictBool = Field(False, description="the environment meant when none is named; a sole one is it")
    ref: Annotated[StrictStr, AfterValidator(_branch)] = Field("main", description="branch the environment follows")
    directory: Annotated[StrictStr, AfterValidator(_relative_directory)] = Field(
        ".", description="flag files below it are read"
    )
    ignore: Annotated[list[Annotated[StrictStr, AfterValidator(_ignore_pattern)]], BeforeValidator(_few_patterns)] = (
        Field(
            [],
            description="patterns, as in .gitignore and relative to the directory, of files that are not read",
        )
    )
    activation_delay: Annotated[int, BeforeValidator(parse_duration)] = Field(
        0, description="releases become active this long after publishing", json_schema_extra=_DURATION_SCHEMA
    )
    max_reader_ttl: Annotated[int, BeforeValidator(_whole_seconds)] = Field(
        DEFAULT_READER_TTL, description="readers look for a new release this often", json_schema_extra=_DURATION_SCHEMA
    )
    mirrors: list[Annotated[StrictStr, AfterValidator(_mirror)]] = Field(
        [], description="further stores that get what the primary has"
    )
    profile: Annotated[StrictStr, AfterValidator(_profile)] = Field(
        DEFAULT_PROFILE, description="whose evaluation is reproduced", json_schema_extra={"enum": list(PROFILES)}
    )
    clock_skew: Annotated[int, BeforeValidator(parse_duration)] = Field(
        DEFAULT_CLOCK_SKEW,
        description="by how much the clocks of readers and publishers may differ",
        json_schema_extra={**_DURATION_SCHEMA, "default": "5s"},
    )
    near_instant: Literal["refuse", "shift"] = Field(
        "refuse", description="what becomes of an instant for which not every reader can be ready"
    )
    tests: Literal["require", "warn", "ignore"] = Field(
        "warn", description="what failing flag tests mean: no publish, a warning, or nothing"
    )


class _ProjectFile(_Model):
    version: Annotated[Literal[1], BeforeValidator(_exactly_one)]
    environments: dict[Annotated[StrictStr, Field(pattern=_NAME)], _EnvironmentModel] = Field(
        min_length=1, description="environments by name"
    )
    pipelines: dict[StrictStr, Any] = Field({}, description="promotions between environments")


def _project(raw: Any, findings: list[Finding]) -> Project | None:
    try:
        file = _ProjectFile.model_validate(_nulls_as_empty(raw))
    except ValidationError as error:
        found = Findings()
        found.fill(_finding(details) for details in error.errors(include_url=False, include_context=True))
        findings.extend(found.complete())
        return None
    default = _default_of(file, findings)
    environments = {name: _environment(model) for name, model in file.environments.items()}
    return None if default is None else Project(environments, default, file.pipelines)


def _nulls_as_empty(raw: Any) -> Any:
    """`staging:` with nothing below it is an environment with all defaults."""
    environments = raw.get("environments") if type(raw) is dict else None
    if type(environments) is not dict:
        return raw
    return {**raw, "environments": {name: {} if value is None else value for name, value in environments.items()}}


def _environment(model: _EnvironmentModel) -> Environment:
    return Environment(
        ref=model.ref,
        directory=model.directory,
        ignore=tuple(model.ignore),
        activation_delay=model.activation_delay,
        max_reader_ttl=model.max_reader_ttl,
        mirrors=tuple(model.mirrors),
        profile=model.profile,
        clock_skew=model.clock_skew,
        near_instant=model.near_instant,
        tests=model.tests,
    )


def _default_of(file: _ProjectFile, findings: list[Finding]) -> str | None:
    names = list(file.environments)
    defaults = [name for name in names if file.environments[name].default]
    if len(defaults) == 1:
        return defaults[0]
    if not defaults and len(names) == 1:
        return names[0]
    got = ", ".join(defaults) if defaults else "none"
    message = f"wanted exactly one environment with default: true, got {got}"
    path = ("environments", defaults[1], "default") if defaults else ("environments",)
    findings.append(Finding(path, "default-environment", message, "mark the one that is meant when none is named"))
    return None


def _finding(details: ErrorDetails) -> Finding:
    """A pydantic error in our words."""
    path, given, kind = tuple(details["loc"]), details["input"], details["type"]
    if path and path[-1] == "[key]":
        message = f"wanted an environment name of a-z, 0-9 and '-' (at most 63), got {shown(path[-2])}"
        return Finding(path[:-1], "bad-name", message, "letters are lower-case", on_key=True)
    name = path[-1] if path else "the project"
    if kind == "extra_forbidden":
        known = _EnvironmentModel.model_fields if len(path) == 3 else _ProjectFile.model_fields
        message = f"there is no field '{name}' here; the fields are {', '.join(known)}"
        return Finding(path, "unknown-field", message, did_you_mean(name, known), on_key=True)
    if kind == "missing":
        return Finding(path, "missing-field", f"wanted '{name}', got none", _EXAMPLES.get(str(name), ""))
    if kind == "value_error":
        message = details["msg"].removeprefix("Value error, ")
        return Finding(path, "bad-value", f"{message}, got {shown(given)}")
    wanted = _WANTED.get(kind) or details.get("ctx", {}).get("expected") or "another value"
    hint = quote_it(given) if kind == "string_type" else ""
    return Finding(path, "wrong-type", f"wanted {wanted} as '{name}', got {shown(given)}", hint)


_EXAMPLES = {"version": "add version: 1", "environments": "add environments: with one name below it"}
_WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "too_short": "at least one entry",
}
