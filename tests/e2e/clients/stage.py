"""What the clients are tried on: a host that publishes pushes, its store as plain files and copied into a bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from burgee.bundle.document import Document
from burgee.core.snapshot import Namespace, Snapshot
from tests.e2e.clients.roster import API, BUCKET, FILES, STREAM, Way
from tests.publishing import files
from tests.servers.dev import dev
from tests.servers.git_cli import attempt, commit, git
from tests.servers.moto import Moto, moto
from tests.servers.outage import Between, between
from tests.servers.static import static_files

FEATURES = (Path(__file__).parent / "features.yaml").read_text()
MOBILE = (
    'version: "1.4"\nnamespace: mobile\nflags:\n  - {key: pull, name: Pull, type: BOOLEAN_FLAG_TYPE, enabled: true}\n'
)
_SWITCH = "{key: switch, name: Switch, type: BOOLEAN_FLAG_TYPE, enabled: %s}"
_BUCKET, _CLOSED, _PREFIX = "acme-flags", "acme-flags-not-for-pages", "harbour"
STAGING, PRODUCTION = "staging", "production"


@dataclass(slots=True)
class Stage:
    """A clone of what the host hosts, its store, the bucket, and by transport the relay that clients are given."""

    clone: Path
    store: Path
    s3: Moto
    relays: dict[str, Between] = field(default_factory=dict)
    on: bool = False

    def turn(self, on: bool) -> None:
        """Push a commit that turns the flag `switch` of staging on or off."""
        if on == self.on:
            return
        commit(self.clone, {"flags/staging/features.yaml": features(on=on)})
        pushed = attempt(self.clone, "push", "--quiet")
        assert pushed.returncode == 0, pushed.stderr
        self._mirror()
        self.on = on

    def _mirror(self) -> None:
        """Copy the present snapshots of staging into the bucket."""
        for path in (self.store / "environments" / STAGING / "internal").rglob("*"):
            if path.is_file():
                self.s3.put(_BUCKET, path.relative_to(self.store).as_posix(), path.read_bytes(), prefix=_PREFIX)

    def relay(self, way: Way) -> Between:
        """What lies between a client and the server of its transport, passing everything on."""
        relay = self.relays[API if way.transport == STREAM else way.transport]
        relay.mend()
        return relay

    def url(self, way: Way, environment: str = STAGING) -> str:
        """The base address that a client is given; in files the environment is part of it."""
        url = self.relay(way).url
        folder = {FILES: "", BUCKET: f"/{_BUCKET}/{_PREFIX}"}.get(way.transport)
        return url if folder is None else f"{url}{folder}/environments/{environment}"

    @property
    def closed(self) -> str:
        """The address of staging in a public bucket that has no CORS configuration."""
        return f"{self.s3.url}/{_CLOSED}/{_PREFIX}/environments/{STAGING}"

    def namespace(self, profile: str, key: str = "default") -> Namespace:
        """A namespace of staging as it is published, to be evaluated as a profile has it."""
        head = json.loads((self.store / "environments" / STAGING / "head.json").read_text())
        digest = json.loads(head["releases"][-1]["payload"])["namespaces"][key]["digest"]
        content = (self.store / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
        return Snapshot(profile, {key: Document(content)}).namespace(key)


def features(*, on: bool) -> str:
    """The flag file, with `switch` on or off."""
    off = _SWITCH % "false"
    assert off in FEATURES
    return FEATURES.replace(off, _SWITCH % "true") if on else FEATURES


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """`burgee dev` over two environments, where `switch` is off in staging and on in production."""
    top = folder / "harbour"
    content = {**files(features(on=False), features(on=True)), "flags/staging/mobile/features.yaml": MOBILE}
    for name, text in content.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    with ExitStack() as stack:
        host = stack.enter_context(dev(top, folder / "state"))
        git(folder, "clone", "--quiet", f"{host.url}/git/harbour", str(folder / "clone"))
        stage = Stage(folder / "clone", folder / "state" / "store", stack.enter_context(moto()))
        for bucket, origins in ((_BUCKET, ["*"]), (_CLOSED, [])):
            stage.s3.make_bucket(bucket, public=True, origins=origins)
            stage.s3.upload(stage.store, bucket, prefix=_PREFIX)
        files_url = stack.enter_context(static_files(stage.store))
        for transport, url in {API: host.url, FILES: files_url, BUCKET: stage.s3.url}.items():
            stage.relays[transport] = stack.enter_context(between(url))
        yield stage
