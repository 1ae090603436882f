"""`burgee schema`: JSON Schemas for editors."""

from __future__ import annotations

import click

from ...author.jsonschema import features_schema, project_schema
from ..options import example
from ..output import show_json


@click.command("schema", epilog=example("burgee schema features > schemas/features.schema.json"))
@click.argument("kind", type=click.Choice(("features", "project")), default="features")
def command(kind: str) -> None:
    """Print the JSON Schema of flag files (features) or of burgee.yaml (project).

    Editors that know YAML schemas use it when a file begins with

    \b
      # yaml-language-server: $schema=PATH_OF_THE_SCHEMA
    """
    show_json(features_schema() if kind == "features" else project_schema())
