"""`burgee schema`: JSON Schemas for editors."""

from __future__ import annotations

import click

from ...author.jsonschema import features_schema, project_schema, tests_schema
from ..options import example
from ..output import show_json

_SCHEMAS = {"features": features_schema, "project": project_schema, "tests": tests_schema}


@click.command("schema", epilog=example("burgee schema features > schemas/features.schema.json"))
@click.argument("kind", type=click.Choice(tuple(_SCHEMAS)), default="features")
def command(kind: str) -> None:
    """Print the JSON Schema of flag files (features), of burgee.yaml (project) or of flag tests (tests).

    Editors that know YAML schemas use it when a file begins with

    \b
      # yaml-language-server: $schema=PATH_OF_THE_SCHEMA
    """
    show_json(_SCHEMAS[kind]())
