"""Other people's clients, unmodified, against burgee: every row of the table in docs/clients.md does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from burgee.core.model import BooleanResult
from burgee.core.snapshot import Namespace
from tests.e2e.clients.lines import Place, Question
from tests.e2e.clients.program import Answer, Asked, Programs, programs
from tests.e2e.clients.roster import (
    API,
    BUCKET,
    DEFAULT,
    EACH_CALL,
    FLIPT_CLIENT,
    LAST_GOOD,
    MODULES,
    OFREP_PAGE,
    POLLS,
    REFRESH,
    STREAM,
    STREAMS,
    WAYS,
    Way,
    table,
    table_of_errors,
)
from tests.e2e.clients.stage import PRODUCTION, Stage, staged
from tests.servers.chromium import find_chromium
from tests.servers.dev import BURGEE, Running, running, wait_for

pytestmark = pytest.mark.integration
_PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
_OFREP_REASONS = {
    "MATCH_EVALUATION_REASON": "TARGETING_MATCH",
    "DEFAULT_EVALUATION_REASON": "DEFAULT",
    "FLAG_DISABLED_EVALUATION_REASON": "DISABLED",
    "UNKNOWN_EVALUATION_REASON": "UNKNOWN",
}
_BOOLEANS = ("switch", "plain-on", "plain-off", "support-chat", "but-not", "by-threshold", "by-both")
_VARIANTS = ("split", "several-rules", "disabled", "disabled-default")
_CONTEXTS: tuple[dict[str, str], ...] = (
    {},
    {"plan": "pro", "age": "40", "joined": "2024-05-31T23:59:59Z"},
    {"plan": "pro", "age": "18", "email": "ann@harbour.example"},
    {"plan": "free", "staff": "true", "age": "17", "joined": "2024-06-01T00:00:00Z"},
)
_ENTITIES = 16
QUESTIONS = tuple(
    Question(kind, flag, f"user-{number}", _CONTEXTS[number % len(_CONTEXTS)])
    for number in range(_ENTITIES)
    for kind, flags in (("boolean", _BOOLEANS), ("variant", _VARIANTS))
    for flag in flags
)
SWITCH = Question("boolean", "switch", "user-1", {})
PLAIN = Question("boolean", "plain-on", "user-1", {})
UNKNOWN = Question("boolean", "no-such-flag", "user-1", {})
SPLIT_AS_BOOLEAN = Question("boolean", "split", "user-1", {})
TOKEN = "the-right-token"
_GIVES_UP_AFTER = 4  # connections, for one fetch of `flipt-client`
_SECONDS = {STREAMS: 5.0, POLLS: 10.0, EACH_CALL: 5.0, REFRESH: 5.0}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("clients")) as stage:
        yield stage


@pytest.fixture(scope="module")
def started() -> Iterator[Programs]:
    with programs() as started:
        yield started


@pytest.fixture(scope="module")
def guarded(stage: Stage) -> Iterator[Running]:
    """`burgee serve` over the same store, which wants a token."""
    environ = {
        "BURGEE_TOKENS": f"sha256:{sha256(TOKEN.encode()).hexdigest()}",
        "BURGEE_CORS_ORIGINS": "*",
        "BURGEE_TTL": "1",
    }
    with running(str(BURGEE), "serve", "--store", stage.store.as_uri(), "--port", "0", environ=environ) as server:
        yield server


@pytest.fixture
def asked(way: Way, started: Programs) -> Iterator[Asked]:
    skip_what_is_missing(way)
    asked = started.of(way)
    yield asked
    asked.close()


def skip_what_is_missing(way: Way) -> None:
    if way.needs_node and not (shutil.which("node") and MODULES.is_dir()):
        pytest.skip("needs node, and npm for `make test` to install packages with")
    if way.in_a_page and find_chromium() is None:
        pytest.skip("needs chromium")


def every(*transports: str, that: Callable[[Way], bool] = lambda way: True) -> pytest.MarkDecorator:
    """Every way, or those over some transports, or those that something holds for."""
    ways = [way for way in WAYS if (not transports or way.transport in transports) and that(way)]
    return pytest.mark.parametrize("way", ways, ids=lambda way: way.name)


@every()
def test_answers_are_those_of_burgee(way: Way, stage: Stage, asked: Asked) -> None:
    assert asked.open(Place(stage.url(way))) is None
    namespace = stage.namespace(way.client.profile)
    questions = [question for question in QUESTIONS if question.flag not in left_out(way)]
    answers = [told(way, answer) for answer in asked.evaluate(*questions)]
    assert answers == [burgees(way, namespace, question) for question in questions]


def left_out(way: Way) -> tuple[str, ...]:
    """Flags that a client does not get: answers with all flags at once have no disabled variant flags, as in Flipt."""
    return ("disabled", "disabled-default") if way.client == OFREP_PAGE else ()


def told(way: Way, answer: Answer) -> Answer:
    """What a client said, as far as it says anything about it; texts of attachments are read."""
    if way.client.speaks_ofrep:
        metadata = answer.pop("metadata", None) or {}
        answer = {**answer, "segments": metadata.get("segments", ""), "attachment": metadata.get("attachment")}
        answer["segments"] = answer["segments"].split(",") if answer["segments"] else []
    if answer.get("attachment") in (None, "", "null"):
        answer.pop("attachment", None)
    else:
        answer["attachment"] = json.loads(answer["attachment"])
    return {**answer, "segments": sorted(answer.get("segments", []))}


def burgees(way: Way, namespace: Namespace, question: Question) -> Answer:
    """What burgee says to a question, in the words of the way's protocol."""
    result = namespace.evaluate(question.flag, question.entity, question.context, 0)
    segments, attachment = sorted(result.segment_keys), {}
    if isinstance(result, BooleanResult):
        if way.client.speaks_ofrep:  # which has no segments of boolean flags
            variant, reason = str(result.enabled).lower(), _OFREP_REASONS[result.reason]
            return {"value": result.enabled, "variant": variant, "reason": reason, "segments": []}
        return {"value": result.enabled, "reason": result.reason, "segments": segments}
    if result.attachment is not None:
        attachment = {"attachment": json.loads(result.attachment)}
    said = {"value": result.variant_key, "segments": segments, **attachment}
    if way.client.speaks_ofrep:
        return {**said, "variant": result.variant_key, "reason": _OFREP_REASONS[result.reason]}
    return {**said, "match": result.match, "reason": result.reason}


def test_the_questions_reach_every_kind_of_answer(stage: Stage) -> None:
    namespace = stage.namespace("C/server")
    reached: dict[str, set[bool | str]] = defaultdict(set)
    for question in QUESTIONS:
        result = namespace.evaluate(question.flag, question.entity, question.context, 0)
        reached[question.flag].add(result.enabled if isinstance(result, BooleanResult) else result.variant_key)
        reached["reasons"].add(result.reason)
    assert reached["reasons"] == set(_OFREP_REASONS)
    assert all(reached[flag] == {True, False} for flag in ("support-chat", "but-not", "by-threshold", "by-both"))
    assert reached["split"] == {"blue", "grün", "plain", ""}
    assert reached["several-rules"] == {"first", "second", "rest"}


@every()
def test_a_flag_of_no_such_key_or_of_the_other_type_is_the_clients_own_error(
    way: Way, stage: Stage, asked: Asked
) -> None:
    assert asked.open(Place(stage.url(way))) is None
    unknown, other, known = asked.evaluate(UNKNOWN, SPLIT_AS_BOOLEAN, PLAIN)
    assert way.client.errors.flag in words(unknown["error"])
    assert way.client.errors.kind in words(other["error"])
    assert {unknown.get("value", False), other.get("value", False)} == {False}
    assert known["value"] is True


def words(error: Answer | None) -> str:
    assert error is not None
    return f"{error['name']}: {error['message']}"


@every()
def test_a_push_is_seen(way: Way, stage: Stage, asked: Asked) -> None:
    before = stage.on
    assert asked.open(Place(stage.url(way))) is None
    assert asked.ask(SWITCH)["value"] is before
    stage.turn(not before)
    assert wait_for(lambda: asked.ask(SWITCH)["value"] is not before, _SECONDS[way.changes])


@every()
def test_an_outage_is_survived(way: Way, stage: Stage, asked: Asked) -> None:
    before = stage.on
    relay = stage.relay(way)
    assert asked.open(Place(stage.url(way))) is None
    assert asked.ask(SWITCH)["value"] is before
    relay.answer_503()
    assert wait_for(lambda: answers_in_an_outage(way, asked, before) and relay.refused > 0)
    relay.cut()
    failures = _GIVES_UP_AFTER if way.client == FLIPT_CLIENT else 1
    assert wait_for(lambda: answers_in_an_outage(way, asked, before) and relay.refused >= failures)
    stage.turn(not before)
    assert answers_in_an_outage(way, asked, before)
    relay.mend()
    assert wait_for(lambda: asked.ask(SWITCH).get("value") is not before, 60)
    assert "error" not in asked.ask(SWITCH)


def answers_in_an_outage(way: Way, asked: Asked, before: bool) -> bool:
    answer = asked.ask(SWITCH)
    assert answer.get("value") == {LAST_GOOD: before, DEFAULT: False}.get(way.outage), answer
    assert ("error" in answer) == (way.outage != LAST_GOOD), answer
    return True


@every(that=lambda way: way.client == FLIPT_CLIENT)
def test_a_client_that_starts_in_an_outage_answers_after_it(way: Way, stage: Stage, asked: Asked) -> None:
    url, relay = stage.url(way), stage.relay(way)
    relay.cut()
    assert way.client.errors.flag in words(asked.failure(Place(url), PLAIN))
    relay.mend()
    assert wait_for(lambda: asked.ask(PLAIN).get("value") is True)


@every(API, STREAM)
def test_a_right_token_is_let_in_and_a_wrong_one_is_the_clients_own_error(
    way: Way, guarded: Running, asked: Asked
) -> None:
    assert asked.failure(Place(guarded.url, token=TOKEN), PLAIN) is None
    assert asked.evaluate(PLAIN)[0]["value"] is True
    for token in ("a-wrong-one", ""):
        assert way.client.errors.token in words(asked.failure(Place(guarded.url, token=token), PLAIN))


@every(STREAM, that=lambda way: way.in_a_page)
def test_a_page_follows_the_event_stream_where_a_token_is_wanted(stage: Stage, guarded: Running, asked: Asked) -> None:
    before = stage.on
    assert asked.open(Place(guarded.url, token=TOKEN)) is None
    assert asked.ask(SWITCH)["value"] is before
    stage.turn(not before)
    assert wait_for(lambda: asked.ask(SWITCH)["value"] is not before, 10)


@every()
def test_an_unknown_environment_is_the_clients_own_error(way: Way, stage: Stage, asked: Asked) -> None:
    place = Place(stage.url(way, "no-such"), environment="no-such" if way.transport in (API, STREAM) else "default")
    assert way.client.errors.environment in words(asked.failure(place, SWITCH))


@every()
def test_an_environment_and_a_namespace_can_be_named(way: Way, stage: Stage, asked: Asked) -> None:
    named = PRODUCTION if way.transport in (API, STREAM) else "default"
    assert asked.open(Place(stage.url(way, PRODUCTION), environment=named)) is None
    assert asked.evaluate(SWITCH)[0]["value"] is True
    assert asked.open(Place(stage.url(way), namespace="mobile")) is None
    assert asked.evaluate(Question("boolean", "pull", "user-1", {}))[0]["value"] is True


@every(API)
def test_a_slash_at_the_end_of_the_address_does_no_harm(way: Way, stage: Stage, asked: Asked) -> None:
    assert asked.failure(Place(stage.url(way) + "/"), SWITCH) is None


@every(that=lambda way: not way.client.speaks_ofrep)
def test_flags_are_listed_and_evaluated_by_the_batch(way: Way, stage: Stage, asked: Asked) -> None:
    assert asked.open(Place(stage.url(way))) is None
    assert asked.flags() == sorted((*_BOOLEANS, *_VARIANTS))
    *answers, unknown = asked.batch(*QUESTIONS, UNKNOWN)
    assert [told(way, answer) for answer in answers] == [told(way, answer) for answer in asked.evaluate(*QUESTIONS)]
    assert unknown["error"]["name"] == "NOT_FOUND_ERROR_EVALUATION_REASON"


@every(BUCKET)
def test_a_bucket_without_a_cors_configuration_is_not_for_pages(way: Way, stage: Stage, asked: Asked) -> None:
    assert (asked.failure(Place(stage.closed), SWITCH) is not None) == way.in_a_page


def test_the_tables_in_the_docs_are_what_was_tested() -> None:
    skip_what_is_missing(WAYS[-1])
    lines = [line for line in _PAGE.read_text().splitlines() if line.startswith("|")]
    wanted = [*table(), *table_of_errors()]
    assert lines == wanted, "\n".join(wanted)


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_in_the_docs_run(number: int, stage: Stage) -> None:
    examples = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    example = examples[number].replace("http://127.0.0.1:8080", stage.url(WAYS[0]))
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True\n", done.stderr
    assert len(examples) == 2
