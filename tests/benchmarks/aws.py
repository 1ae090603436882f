"""The evaluate function of the deployment package, run by Amazon's runtime client: how it begins, and what a call adds.

It is measured beside a handler that does nothing, and, when it begins, beside the same function written with boto3. All
of them are files of source: a function's folder cannot be written to on AWS, so nothing keeps their bytecode there.
The bucket is on loopback; between a function and S3 there is more to wait for, as much for one as for the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from zipfile import ZipFile

from burgee.bundle.index import Index, Listed
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.fakes.publisher import publish
from tests.servers.lambdas import Function, running
from tests.servers.moto import Moto

from .authored import document_of
from .deployed import an_empty_function, moto_apart, packages
from .measure import Row, Table, Target, side_by_side
from .serve import a_boolean_event
from .workload import questions, workload

_WITH_BOTO3 = Path(__file__).parent / "peers" / "evaluate_with_boto3.py"
_BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")
_FLAGS = 1_000
_EVENTS = 50
_CALLS = 500
_PATIENCE = 3
_PUBLISHED_AT = 1_700_000_000_000
_BUCKET = "acme-flags"
_BURGEE, _NOTHING, _OTHER = "burgee", "empty handler", "with boto3"

Event = dict[str, Any]


def run(rounds: int) -> list[Table]:
    """Milliseconds of a cold start and microseconds of a warm invocation."""
    events = [a_boolean_event(question) for question in questions(_FLAGS) if question.is_boolean][:_EVENTS]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        environ = _environ(stack.enter_context(moto_apart()), folder / "store")
        functions = {
            name: stack.enter_context(running(package, environ=environ, name=name.replace(" ", "-")))
            for name, package in _packages(folder).items()
        }
        cold = tuple(_cold(rounds * _PATIENCE, functions, events[0]))
        warm, added = _warm(rounds, functions, events)
    target = Target("added to an empty handler", added, 100, 50, "µs")
    return [
        Table("a function's cold start, of its process", "ms", cold),
        Table(
            f"a warm invocation, one boolean flag of {_FLAGS:,}, through the runtime client", "µs", (warm,), (target,)
        ),
    ]


def _cold(rounds: int, functions: Mapping[str, Function], event: Event) -> Iterator[Row]:
    """Until a process asks for its first event, and until its answer to one is there, the store's objects read."""
    for function in functions.values():
        _answered(function, event)
    asked = {name: function.restart for name, function in functions.items()}
    yield side_by_side("until it asks for its first event", rounds, asked)
    answered = {name: _first_answer(function, event) for name, function in functions.items()}
    yield side_by_side("until its first answer", rounds, answered)


def _first_answer(function: Function, event: Event) -> Callable[[], float]:
    def measure() -> float:
        function.stop()
        return _answered(function, event) * 1000

    return measure


def _warm(rounds: int, functions: Mapping[str, Function], events: list[Event]) -> tuple[Row, float]:
    """The middle of many invocations, and of what each takes more than the empty handler's right after it.

    They take turns call by call, for the difference is smaller than what a neighbour of this machine may cost one of
    them. The store is looked at once a day, so none of these calls does.
    """
    pair = functions[_BURGEE], functions[_NOTHING]
    for event in events:
        _answered(pair[0], event)
    taken = [
        [_answered(function, event) * 1e6 for function in pair] for event in islice(cycle(events), rounds * _CALLS)
    ]
    ours, nothing = zip(*taken, strict=True)
    row = Row("one invocation", {_BURGEE: median(ours), _NOTHING: median(nothing)}, {_NOTHING: _ratio(ours, nothing)})
    return row, median(mine - empty for mine, empty in taken)


def _ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    return median(other / mine for mine, other in zip(ours, others, strict=True))


def _answered(function: Function, event: Event) -> float:
    """Seconds until the answer, which has to be a good one."""
    started = perf_counter()
    result = function.invoke(event)
    took = perf_counter() - started
    assert result["statusCode"] == 200, result
    return took


def _packages(folder: Path) -> dict[str, Path]:
    """Folders as the zips of the functions unpack to them."""
    burgee, other = folder / "burgee", folder / "boto3"
    (evaluate,) = packages(folder / "zips", "evaluate")
    with ZipFile(evaluate) as zipped:
        zipped.extractall(burgee)
    shutil.copytree(burgee, other)
    shutil.copyfile(_WITH_BOTO3, other / "main.py")
    for name in _BOTO3:
        _copy_package(name, other)
    return {_BURGEE: burgee, _NOTHING: an_empty_function(folder / "empty"), _OTHER: other}


def _copy_package(name: str, folder: Path) -> None:
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None, f"{name} is not installed"
    origin = Path(spec.origin)
    if spec.submodule_search_locations:
        shutil.copytree(origin.parent, folder / name, ignore=_left_out)
    else:
        shutil.copyfile(origin, folder / origin.name)


def _left_out(folder: str, names: list[str]) -> list[str]:
    """Bytecode, and what botocore knows of other services, which would only make the folder larger."""
    if Path(folder).name == "data":
        return [name for name in names if name != "s3" and (Path(folder) / name).is_dir()]
    return ["__pycache__"]


def _environ(aws: Moto, store: Path) -> dict[str, str]:
    """The variables of a function that serves the workload from a bucket to whoever asks."""
    objects = ObjectStore(FileObjects(store))
    objects.swap_index(Index("https://example.org/flags", {"production": Listed("main", True)}), None)
    publish(objects, {"default": document_of(workload(_FLAGS))}, at=_PUBLISHED_AT, environment="production")
    aws.make_bucket(_BUCKET)
    aws.upload(store, _BUCKET, prefix="shop")
    return aws.environ(BURGEE_STORE=f"s3://{_BUCKET}/shop", BURGEE_AUTH="none", BURGEE_TTL="86400")
