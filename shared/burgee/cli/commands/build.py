"""`burgee build`: compile flag files to bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...core.errors import InvalidFiles
from ...deliver.candidate import Candidate, compile_bundle
from ...store.opening import open_store
from ..options import environment_option, example, json_option
from ..output import counting, show_json, show_table
from ..places import tree_at


@click.command("build", epilog=example("burgee build samplerepo --environment production"))
@click.argument("path", default=".", type=click.Path(exists=True, file_okay=False))
@environment_option
@click.option("--commit", metavar="REV", help="Build a commit of the repository instead of the folder's files.")
@click.option("--output", type=click.Path(file_okay=False), help="Write documents and manifests below this folder.")
@json_option
def command(path: str, environment: str | None, commit: str | None, output: str | None, as_json: bool) -> None:
    """Compile flag files to bundles and say their digests.

    The digest depends on flag content alone: it is the same on every machine and in every store.
    """
    tree = tree_at(path, commit)
    names = [tree.environment(environment)] if environment else list(tree.project.environments)
    built = {}
    with counting("files read") as progress:
        for name in names:
            authored = tree.author(name, progress)
            if not authored.ok:
                raise InvalidFiles(authored.problems)
            built[name] = compile_bundle(authored.documents.values())
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


def _write(folder: str, built: dict[str, Candidate]) -> None:
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
