"""`burgee evaluate`: the answer a flag gives, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from ...core.errors import EnvironmentNotFound, InvalidRequest
from ...core.explain import Explanation, explain
from ...core.instant import format_instant
from ...core.model import BooleanResult
from ...core.snapshot import DEFAULT_NAMESPACE, Namespace, Snapshot
from ...core.visible import visible
from ...fetch.clock import SystemClock, system_random
from ...fetch.environments import Environments
from ...fetch.opening import open_fetcher
from ...serve.opening import open_verifier
from ..explaining import explanation_lines
from ..found import active_at, by_commit, by_digest, by_revision, instant_of
from ..logs import Log, open_log
from ..nearest import did_you_mean
from ..options import Folder, environment_option, example, json_option, namespace_option
from ..output import counting, note, show_json
from ..places import tree_at
from ..stores import UnknownName, chosen_store, settings


@click.command(
    "evaluate",
    epilog=example(
        "burgee evaluate new-checkout --entity user-1 --context plan=pro",
        "burgee evaluate checkout-button --entity ada --context channel=web --explain",
        'burgee evaluate new-checkout --entity ada -e production --store "file://$PWD/../store" --json',
        'burgee evaluate new-checkout --entity ada -e production --store "file://$PWD/../store" --revision 1',
    ),
)
@click.argument("flag")
@click.option("--entity", required=True, metavar="ID", help="The entity id: a user, a device, an order.")
@click.option("--context", "pairs", multiple=True, metavar="NAME=VALUE", help="A context attribute; may be repeated.")
@environment_option("default: the one marked as default")
@namespace_option
@click.option(
    "--source", type=Folder(may_be_elsewhere=True), help="The folder with the flags (default: this one), or a bundle."
)
@click.option(
    "--commit", metavar="REV", help="A commit of the repository that --source is in; with a store, the release of it."
)
@click.option("--store", "store_url", metavar="URL", help="Evaluate the active release of a store instead.")
@click.option("--at", "at_text", metavar="INSTANT", help="As it was then, or will be: 2026-11-01T09:00Z, -2h, 3d.")
@click.option("--revision", metavar="N", type=click.IntRange(1), help="The release of that number.")
@click.option("--digest", metavar="DIGEST", help="The newest release that has this digest, or whose bundle has it.")
@click.option("--explain", "explained", is_flag=True, help="Show each rule, each constraint, the bucket and why.")
@json_option
def command(
    flag: str,
    entity: str,
    pairs: Sequence[str],
    environment: str | None,
    namespace: str,
    source: str | None,
    commit: str | None,
    store_url: str | None,
    at_text: str | None,
    revision: int | None,
    digest: str | None,
    explained: bool,
    as_json: bool,
) -> None:
    """Evaluate a flag for an entity and, with --explain, say why the answer is what it is.

    With --store and --at, it is the very answer that was given at that instant, by the release that was active then and
    the steps of its schedules. With --revision, --commit or --digest it is that release's, at the instant from which it
    was active unless --at names another one. What is fetched for that is kept (BURGEE_CACHE), and needs no network the
    next time. BURGEE_STORE counts for these four as --store does, unless --source is given. Without a store, --at is
    the instant at which the files are evaluated. Which of the two was asked is said.

    With --json: {environment, namespace, profile, flag_key, reason, segment_keys}, and enabled of a boolean flag;
    match, variant_key and attachment of a variant flag; steps with --explain; at with any of the options above, and
    revision, release, bundle and commit of a release.
    """
    context = _context(pairs)
    _check_text(flag, entity, namespace, *context, *context.values())
    at = None if at_text is None else instant_of(at_text, name="--at")
    # A store that the variable names is asked for what has been, never instead of the files that are at hand.
    of_the_past = not source and (commit or at is not None) and settings().store
    of_store = bool(store_url or revision or digest or of_the_past)
    _check_one(source, revision, digest, commit=commit if of_store else None, of_store=of_store)
    if revision or digest or (of_store and (commit or at is not None)):
        asked = _released(open_log(store_url, environment), revision, digest, commit, at)
        note(f"store {asked.url} ({chosen_store(store_url).said_by}), release {asked.told['revision']}")
    elif store_url:
        asked = _Asked(*_published(store_url, environment), SystemClock.wall())
    else:
        instant = SystemClock.wall() if at is None else at
        asked = _Asked(*_authored(source or ".", commit, environment), instant, {} if at is None else _told(instant))
        if commit or at is not None:
            note(f"the files of {source or 'this folder'}{f' at {commit}' if commit else ''}")
    found = _namespace(asked.snapshot, namespace)
    _check_flag(found, flag)
    explanation = explain(found, flag, entity, context, asked.at)
    if as_json:
        show_json({"environment": asked.environment, **asked.told, **_fields(found, explanation, explained)})
    elif explained:
        for line in explanation_lines(flag, entity, explanation):
            click.echo(line)
        if asked.told:
            click.echo(f"  as it is at {asked.told['at']}{_by(asked.told)}")
    else:
        click.echo(_short(explanation.result))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is evaluated, at which instant (milliseconds), what is told of that, and the URL of the store it is of."""

    environment: str
    snapshot: Snapshot
    at: int
    told: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""


def _check_one(*given: object, commit: str | None, of_store: bool) -> None:
    """Raises InvalidRequest when more than one thing is to be evaluated."""
    source, revision, digest = given
    if of_store and source:
        raise InvalidRequest("a release of a store is evaluated instead of --source; give one or the other")
    if sum(map(bool, (revision, digest, commit))) > 1:
        raise InvalidRequest("--revision, --digest and --commit each name a release; give one of them")


def _released(log: Log, revision: int | None, digest: str | None, commit: str | None, at: int | None) -> _Asked:
    """A release of the log, at the instant given, else the one it is active from."""
    if revision:
        found = by_revision(log, revision)
    elif digest:
        found = by_digest(log, digest)
    elif commit:
        found = by_commit(log, commit)
    else:
        found = active_at(log, SystemClock.wall() if at is None else at)
    instant, release = found.at if at is None else at, found.entry.release
    told = {
        **_told(instant),
        "revision": release.revision,
        "release": found.entry.digest,
        "bundle": release.bundle,
        "commit": release.source.commit,
    }
    return _Asked(log.environment, log.history.snapshot(found.entry), instant, told, log.url)


def _told(instant: int) -> Mapping[str, Any]:
    return {"at": format_instant(instant)}


def _by(told: Mapping[str, Any]) -> str:
    return f", by release {told['revision']}" if "revision" in told else ""


def _context(pairs: Sequence[str]) -> dict[str, str]:
    context = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidRequest(f"--context is NAME=VALUE, got {pair!r}")
        context[name] = value
    return context


def _check_text(*texts: str) -> None:
    """Arguments that are not UTF-8 reach Python as lone surrogates, which no bucket can be computed of."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest(f"wanted UTF-8, got {text!r}") from error


def _authored(source: str, commit: str | None, environment: str | None) -> tuple[str, Snapshot]:
    tree = tree_at(source, commit)
    name = tree.environment(environment)
    with counting("files read") as progress:
        return name, Snapshot(tree.project.environments[name].profile, tree.documents(name, progress))


def _published(url: str, environment: str | None) -> tuple[str, Snapshot]:
    environments = Environments(
        open_fetcher(url, os.environ),
        ttl_ms=60_000,
        clock=SystemClock(),
        random=system_random,
        verifier=open_verifier(settings()),
    )
    known, name = environments.names(), environment or environments.default()
    if name not in known:
        missing = f"no environment {name!r}" if name else "no default environment"
        near = did_you_mean(name or "", known)
        raise EnvironmentNotFound(f"store {url} has {missing}, it has {', '.join(known) or 'none'}{near}")
    return name, environments.live(name).refresh().snapshot


def _namespace(snapshot: Snapshot, key: str) -> Namespace:
    wanted = key or DEFAULT_NAMESPACE
    if wanted not in snapshot.namespaces:
        raise UnknownName(f"no namespace {wanted!r}, there are {', '.join(snapshot.namespaces)}")
    return snapshot.namespaces[wanted]


def _check_flag(namespace: Namespace, key: str) -> None:
    keys = namespace.document.flag_keys()
    if key in keys:
        return
    raise UnknownName(f"no flag {key!r} in namespace {namespace.key!r}{did_you_mean(key, keys)}")


def _short(result: Any) -> str:
    if isinstance(result, BooleanResult):
        return "true" if result.enabled else "false"
    attachment = f" {result.attachment}" if result.attachment else ""
    return visible(f"{result.variant_key or '(no variant)'}{attachment}")


def _fields(namespace: Namespace, explanation: Explanation, explained: bool) -> dict[str, Any]:
    # Where a release answers, the command that asked has named it.
    answer = {name: value for name, value in explanation.result._asdict().items() if name not in _OF_READERS}
    fields = {"namespace": namespace.key, "profile": namespace.profile.name, **answer}
    if explained:
        fields["steps"] = [_plain(step) for step in explanation.steps]
    return fields


_OF_READERS = ("revision", "digest", "stale")


def _plain(value: Any) -> Any:
    """Named tuples as objects, all the way down."""
    if hasattr(value, "_asdict"):
        return {name: _plain(member) for name, member in value._asdict().items()}
    return [_plain(member) for member in value] if isinstance(value, tuple) else value
