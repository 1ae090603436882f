"""One push goes to four places; three clouds answer alike; stores go away and come back, and answers stay."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import Any
from urllib.request import Request, urlopen

from burgee.bundle.manifest import decode_manifest
from burgee.client import Client
from burgee.deliver.apply import documents_of
from tests.e2e.everywhere.places import NAMES, OF_CLOUD, SECRET, TTL_SECONDS, Places
from tests.events import github_headers, github_push
from tests.functions.clouds import Place, Work
from tests.publishing import features

ENVIRONMENTS = ("staging", "production")
EVALUATIONS = 10_000
_AT_ONCE = 100
_SECONDS = 20.0
# Each answer has its own of these.
_VOLATILE = ("requestDurationMillis", "requestId", "timestamp")
Step = tuple[str, Callable[[], object]]
Asked = tuple[str, dict[str, Any]]


@dataclass
class Story:
    """The steps. `say` shows what a step has found."""

    places: Places
    place: Place
    work: Work
    webhook: str
    say: Callable[[str], object]
    random: Random = field(default_factory=lambda: Random(20261122))
    asked: list[Asked] = field(default_factory=list)

    def steps(self) -> Iterator[Step]:
        yield "one push is in four places, under one digest", self.push
        yield "three clouds' functions and a client of the registry answer alike", self.compare
        yield "a change is seen everywhere", self.change
        yield "a mirror is away: the release is made, and the mirror has it when it is back", self.lose_mirror
        yield "each store goes away, alone and in pairs: answers stay", self.lose_stores
        yield "a function that starts while its store is away answers from a mirror", self.start_without
        yield "the primary is away: the push waits, and is published once it is back", self.lose_primary

    def push(self) -> None:
        self.deliver(self.places.repository.push())
        for environment in ENVIRONMENTS:
            self.check_same(environment, revision=1)

    def compare(self) -> None:
        self.asked = self.random_evaluations(EVALUATIONS)
        answers = {name: self.answers(name, self.asked) for name in self.places.evaluates}
        assert answers["s3"] == answers["azblob"] == answers["gs"]
        with Client(self.places.urls["oci"], environment="staging", environ=self.places.environ) as client:
            differing = [
                asked
                for asked, answer in zip(self.asked, answers["s3"], strict=True)
                if value_of(client, asked) != answered(answer)
            ]
        assert differing == []
        self.say(f"{len(self.asked)} evaluations, {len(set(map(json.dumps, answers['s3'])))} different answers")

    def change(self) -> None:
        self.switch("staging", 11)
        self.check_same("staging", revision=2)
        self.wait_for_revision(2)

    def lose_mirror(self) -> None:
        self.places.relays["azblob"].cut()
        self.switch("staging", 12)
        assert self.revision("s3") == self.revision("gs") == self.revision("oci") == 3
        assert "mirror azblob://devstoreaccount1/acme-flags/shop does not have it" in self.work.log()
        self.places.relays["azblob"].mend()
        assert self.revision("azblob") == 2
        self.work.tick()
        self.work.run()
        self.check_same("staging", revision=3)
        self.wait_for_revision(3)

    def lose_stores(self) -> None:
        some = self.asked[: 3 * _AT_ONCE]
        expected = self.answers("s3", some)
        for away in (*((name,) for name in NAMES), *combinations(NAMES, 2)):
            for name in away:
                self.places.relays[name].cut()
            time.sleep(2 * TTL_SECONDS)
            for name in self.places.evaluates:
                assert self.answers(name, some) == expected, (name, away)
            for name in away:
                self.places.relays[name].mend()
        self.say(f"{len(NAMES)} alone, {len(list(combinations(NAMES, 2)))} pairs")

    def start_without(self) -> None:
        some = self.asked[:_AT_ONCE]
        expected = self.answers("s3", some)
        for name in OF_CLOUD:
            self.places.relays[name].cut()
            with self.places.evaluating(name) as url:
                assert answers_of(url, some) == expected, name
            self.places.relays[name].mend()

    def lose_primary(self) -> None:
        self.places.relays["s3"].cut()
        self.switch("staging", 13)
        assert self.revision("gs") == 3
        self.places.relays["s3"].mend()
        self.work.let_pass()
        self.work.run()
        self.check_same("staging", revision=4)
        self.wait_for_revision(4)
        assert self.place.dead_letters() == []

    # What steps are made of

    def deliver(self, commit: str) -> None:
        """Tell the webhook as GitHub does, and let the publish function take what is in the queue."""
        body = github_push(commit=commit, repository=self.places.repository.url.removesuffix(".git"))
        headers = github_headers(body, secret=SECRET, delivery=f"d-{commit}")
        with urlopen(Request(self.webhook, body, headers, method="POST"), timeout=_SECONDS) as response:
            assert response.status == 202
        self.work.run()

    def switch(self, environment: str, percentage: int) -> None:
        """Push another percentage of the flag that is being rolled out."""
        path = f"flags/{environment}/everywhere.features.yaml"
        text = features("everywhere", percentage=percentage)
        self.deliver(self.places.repository.push({path: text}))

    def revision(self, name: str) -> int:
        found = self.places.store(name).read_head("staging")
        return found[0].revision if found else 0

    def check_same(self, environment: str, *, revision: int) -> None:
        """The four stores have the same head, to the byte, and the bundle that it names, whole."""
        heads = {name: self.places.store(name).read_head(environment) for name in NAMES}
        entries = {name: found[0].last for name, found in heads.items() if found}
        assert {entry.release.revision for entry in entries.values()} == {revision}
        assert len(entries) == len(NAMES)
        assert len({entry.payload for entry in entries.values()}) == 1
        bundle = entries["s3"].release.bundle
        for name in NAMES:
            store = self.places.store(name)
            for digest, _size in decode_manifest(store.get_blob(bundle)).values():
                store.get_blob(digest)
            assert store.get_release(environment, revision).digest == entries["s3"].digest
        self.say(f"{environment}: release {revision}, bundle {bundle[:19]}, in {', '.join(NAMES)}")

    def random_evaluations(self, count: int) -> list[Asked]:
        """Flags of samplerepo's staging environment, and contexts that its segments look at."""
        store = self.places.store("s3")
        found = store.read_head("staging")
        assert found is not None
        document = documents_of(store, found[0].last.release.namespaces)["default"]
        kinds = {flag["key"]: flag.get("type", "VARIANT_FLAG_TYPE") for flag in document.flags()}
        keys = sorted(kinds)
        return [(kinds[key], self.random_request(key)) for key in self.random.choices(keys, k=count)]

    def random_request(self, flag: str) -> dict[str, Any]:
        choice = self.random.choice
        context = {
            "country": choice(["AT", "DE", "SE", "US", "de", ""]),
            "plan": choice(["free", "pro", "trial"]),
            "channel": choice(["web", "app"]),
            "signed_in": choice(["true", "false", "maybe"]),
            "vat_number": choice(["ATU123", ""]),
            "basket_cents": choice(["3999", "4000", "1e4", "many"]),
            "now": choice(["2026-11-25T12:00:00Z", "2026-12-25T12:00:00Z", "later"]),
            "email": choice(["ann@harbour.example", "nobody"]),
        }
        some = {key: value for key, value in context.items() if self.random.random() < 0.7}
        entity = choice(["amira", "bjarne", f"user-{self.random.randrange(5_000)}"])
        return {"namespaceKey": "default", "flagKey": flag, "entityId": entity, "context": some}

    def answers(self, name: str, asked: Sequence[Asked]) -> list[Any]:
        return answers_of(self.places.evaluates[name], asked)

    def wait_for_revision(self, revision: int) -> None:
        """Each function serves it, after a TTL at most."""
        deadline = time.monotonic() + _SECONDS
        for name, url in self.places.evaluates.items():
            while served(url) != revision:
                assert time.monotonic() < deadline, f"{name} does not serve revision {revision}"
                time.sleep(TTL_SECONDS / 5)


def answers_of(url: str, asked: Sequence[Asked]) -> list[Any]:
    """What a function answers, some requests at once; without what is each answer's own."""
    found: list[Any] = []
    for first in range(0, len(asked), _AT_ONCE):
        requests = [request for _, request in asked[first : first + _AT_ONCE]]
        body = json.dumps({"requests": requests}).encode()
        headers = {"content-type": "application/json", "x-flipt-environment": "staging"}
        with urlopen(Request(f"{url}/evaluate/v1/batch", body, headers), timeout=_SECONDS) as response:
            found += [without(answer) for answer in json.load(response)["responses"]]
    return found


def without(answer: Any) -> Any:
    """An answer without what is its own."""
    if isinstance(answer, dict):
        return {name: without(value) for name, value in answer.items() if name not in _VOLATILE}
    return answer


def answered(answer: Any) -> tuple[object, ...]:
    """What a batch's answer says of a flag."""
    if "booleanResponse" in answer:
        return (answer["booleanResponse"]["enabled"],)
    found = answer["variantResponse"]
    return (found["match"], found["variantKey"])


def value_of(client: Client, asked: Asked) -> tuple[object, ...]:
    """The same, as the SDK evaluates it."""
    kind, request = asked
    arguments = request["flagKey"], request["entityId"], request["context"]
    if kind == "BOOLEAN_FLAG_TYPE":
        return (bool(client.boolean(*arguments)),)
    outcome = client.variant(*arguments)
    return (outcome.match, outcome.variant_key)


def served(url: str) -> int | None:
    """The revision of staging that a function serves."""
    with urlopen(f"{url}/status", timeout=_SECONDS) as response:
        found = {each["environment"]: each["revision"] for each in json.load(response)["environments"]}
    revision: int | None = found.get("staging")
    return revision


def tell(places: Places, *, say: Callable[[str], object]) -> None:
    """Live through all of it; `say` is given a line for each step, with the seconds it took, and what it found."""
    with ExitStack() as stack:
        place = places.clouds["aws"].place()
        work = stack.enter_context(places.publishing(place))
        told = {**places.variables("s3"), **place.variables()}
        webhook = stack.enter_context(places.clouds["aws"].serves("webhook", places.folder, told))
        for name in OF_CLOUD:
            places.evaluates[name] = stack.enter_context(places.evaluating(name))
        story = Story(places, place, work, webhook, say=lambda line: say(f"      {line}"))
        for title, step in story.steps():
            began = time.monotonic()
            step()
            say(f"{time.monotonic() - began:5.1f} s  {title}")
