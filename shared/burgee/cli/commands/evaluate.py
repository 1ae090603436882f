"""`burgee evaluate`: the answer a flag gives, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ...core.explain import Explanation, explain
from ...core.model import BooleanResult
from ...core.snapshot import Namespace, Snapshot
from ...fetch.clock import SystemClock, system_random
from ...fetch.environments import Environments
from ...fetch.opening import open_fetcher
from ..explaining import explanation_lines
from ..options import environment_option, example, json_option
from ..output import show_json
from ..places import tree_at


@click.command(
    "evaluate", epilog=example("burgee evaluate new-checkout --entity user-1 --context plan=pro --source samplerepo")
)
@click.argument("flag")
@click.option("--entity", required=True, metavar="ID", help="The entity id: a user, a device, an order.")
@click.option("--context", "pairs", multiple=True, metavar="NAME=VALUE", help="A context attribute; may be repeated.")
@environment_option
@click.option("--namespace", "-n", default="default", show_default=True, help="The namespace the flag is in.")
@click.option("--source", default=".", type=click.Path(exists=True, file_okay=False), help="The folder with the flags.")
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
    source: str,
    commit: str | None,
    store_url: str | None,
    explained: bool,
    as_json: bool,
) -> None:
    """Evaluate a flag for an entity and, with --explain, say why the answer is what it is."""
    context = _context(pairs)
    snapshot = _published(store_url, environment) if store_url else _authored(source, commit, environment)
    found = snapshot.namespace(namespace)
    explanation = explain(found, flag, entity, context, SystemClock.wall())
    if as_json:
        show_json(_fields(found, explanation, explained))
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
            raise click.UsageError(f"--context is NAME=VALUE, got {pair!r}")
        context[name] = value
    return context


def _authored(source: str, commit: str | None, environment: str | None) -> Snapshot:
    tree = tree_at(source, commit)
    name = tree.environment(environment)
    return Snapshot(tree.project.environments[name].profile, tree.documents(name))


def _published(url: str, environment: str | None) -> Snapshot:
    environments = Environments(
        open_fetcher(url), ttl_ms=60_000, clock=SystemClock(), random=system_random, only=environment
    )
    name = environment or environments.default()
    snapshot: Snapshot = environments.live(str(name)).refresh().snapshot
    return snapshot


def _short(result: Any) -> str:
    if isinstance(result, BooleanResult):
        return "true" if result.enabled else "false"
    attachment = f" {result.attachment}" if result.attachment else ""
    return f"{result.variant_key or '(no variant)'}{attachment}"


def _fields(namespace: Namespace, explanation: Explanation, explained: bool) -> dict[str, Any]:
    fields = {"namespace": namespace.key, "profile": namespace.profile.name, **explanation.result._asdict()}
    if explained:
        fields["steps"] = [_plain(step) for step in explanation.steps]
    return fields


def _plain(value: Any) -> Any:
    """Named tuples as objects, all the way down."""
    if hasattr(value, "_asdict"):
        return {name: _plain(member) for name, member in value._asdict().items()}
    return [_plain(member) for member in value] if isinstance(value, tuple) else value
