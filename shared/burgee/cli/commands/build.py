"""`burgee build`: compile flag files to bundles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ...author.authored import Authored
from ...core.errors import InvalidFiles
from ...deliver.candidate import Candidate, compile_bundle
from ...store.opening import open_store
from ..options import Folder, environment_option, example, json_option
from ..output import counting, show_json, show_table
from ..places import Tree, tree_at


@click.command("build", epilog=example("burgee build --environment production", "burgee build --commit HEAD --json"))
@click.argument("path", default=".", type=Folder())
@environment_option("default: every one")
@click.option("--commit", metavar="REV", help="Build a commit of the repository instead of the folder's files.")
@click.option("--output", type=Folder(may_come=True), help="Write documents and manifests below this folder.")
@json_option
def command(path: str, environment: str | None, commit: str | None, output: str | None, as_json: bool) -> None:
    """Compile flag files to bundles and say their digests.

    The digest depends on flag content alone: it is the same on every machine and in every store.

    With --json: a list of {environment, bundle, namespaces: {KEY: {digest, size}}}, sizes in bytes.
    """
    tree = tree_at(path, commit)
    names = [tree.environment(environment)] if environment else tree.environments
    built = {name: compile_bundle(authored.documents.values()) for name, authored in _authored(tree, names).items()}
    if output:
        _write(output, built)
    if as_json:
        show_json([_fields(name, candidate) for name, candidate in built.items()])
        return
    rows = [
        (name, candidate.digest, ", ".join(candidate.layers), str(sum(map(len, candidate.blobs.values()))))
        for name, candidate in built.items()
    ]
    show_table(("ENVIRONMENT", "BUNDLE", "NAMESPACES", "BYTES"), rows)


def _authored(tree: Tree, names: Sequence[str]) -> Mapping[str, Authored]:
    """Every environment's documents. Raises InvalidFiles with the problems of all of them."""
    with counting("files read") as progress:
        found = {name: tree.author(name, progress) for name in names}
    if not all(authored.ok for authored in found.values()):
        raise InvalidFiles(tuple(dict.fromkeys(one for authored in found.values() for one in authored.problems)))
    return found


def _write(folder: str, built: Mapping[str, Candidate]) -> None:
    store = open_store(Path(folder).absolute().as_uri())
    for candidate in built.values():
        for content in (*candidate.blobs.values(), candidate.manifest):
            store.put_blob(content)


def _fields(name: str, candidate: Candidate) -> dict[str, Any]:
    return {
        "environment": name,
        "bundle": candidate.digest,
        "namespaces": {key: {"digest": digest, "size": size} for key, (digest, size) in candidate.layers.items()},
    }
