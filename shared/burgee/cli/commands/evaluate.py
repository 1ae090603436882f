"""`burgee evaluate`: the answer a flag gives, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import click

from ...core.errors import EnvironmentNotFound, InvalidRequest
from ...core.explain import Explanation, explain
from ...core.model import BooleanResult
from ...core.snapshot import DEFAULT_NAMESPACE, Namespace, Snapshot
from ...core.visible import visible
from ...fetch.clock import SystemClock, system_random
from ...fetch.environments import Environments
from ...fetch.opening import open_fetcher
from ..explaining import explanation_lines
from ..options import Folder, environment_option, example, json_option
from ..output import counting, show_json
from ..places import tree_at
from ..stores import UnknownName


@click.command(
    "evaluate",
    epilog=example(
        "burgee evaluate new-checkout --entity user-1 --context plan=pro",
        "burgee evaluate checkout-button --entity ada --context channel=web --explain",
        'burgee evaluate new-checkout --entity ada -e production --store "file://$PWD/../store" --json',
    ),
)
@click.argument("flag")
@click.option("--entity", required=True, metavar="ID", help="The entity id: a user, a device, an order.")
@click.option("--context", "pairs", multiple=True, metavar="NAME=VALUE", help="A context attribute; may be repeated.")
@environment_option("default: the one marked as default")
@click.option(
    "--namespace", "-n", metavar="KEY", default=DEFAULT_NAMESPACE, show_default=True, help="The flag's namespace."
)
@click.option(
    "--source", type=Folder(may_be_elsewhere=True), help="The folder with the flags (default: this one), or a bundle."
)
@click.option("--commit", metavar="REV", help="A commit of the repository that --source is in.")
@click.option("--store", "store_url", metavar="URL", help="Evaluate the active release of a store instead.")
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
    explained: bool,
    as_json: bool,
) -> None:
    """Evaluate a flag for an entity and, with --explain, say why the answer is what it is.

    With --json: {environment, namespace, profile, flag_key, reason, segment_keys}, and enabled of a boolean flag;
    match, variant_key and attachment of a variant flag; steps with --explain.
    """
    if store_url and (source or commit):
        raise InvalidRequest("--store is evaluated instead of --source and --commit; give one or the other")
    context = _context(pairs)
    _check_text(flag, entity, namespace, *context, *context.values())
    name, snapshot = _published(store_url, environment) if store_url else _authored(source or ".", commit, environment)
    found = _namespace(snapshot, namespace)
    _check_flag(found, flag)
    explanation = explain(found, flag, entity, context, SystemClock.wall())
    if as_json:
        show_json({"environment": name, **_fields(found, explanation, explained)})
    elif explained:
        for line in explanation_lines(flag, entity, explanation):
            click.echo(line)
    else:
        click.echo(_short(explanation.result))


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
    environments = Environments(open_fetcher(url, os.environ), ttl_ms=60_000, clock=SystemClock(), random=system_random)
    known, name = environments.names(), environment or environments.default()
    if name not in known:
        missing = f"no environment {name!r}" if name else "no default environment"
        raise EnvironmentNotFound(f"store {url} has {missing}, it has {', '.join(known) or 'none'}")
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
    near = "".join(f"; did you mean {one!r}?" for one in get_close_matches(key, keys, n=1))
    raise UnknownName(f"no flag {key!r} in namespace {namespace.key!r}{near}")


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
