"""`burgee init`: a repository's first files."""

from __future__ import annotations

from pathlib import Path

import click

from ...core.errors import ConfigurationError
from ..options import example
from ..output import note

_PROJECT = """\
# Which environments there are, and which directory's flag files each one serves.
version: 1
environments:
  staging:
    default: true
    ref: main
    directory: flags/staging
  production:
    ref: main
    directory: flags/production
"""

_FEATURES = """\
version: "1.4"
namespace: default
flags:
  - key: new-checkout
    name: New checkout
    description: The checkout on one page.
    type: BOOLEAN_FLAG_TYPE
    enabled: false
    rollouts:
      - segment:
          key: internal
          value: true
      - threshold:
          percentage: {percentage}
          value: true
segments:
  - key: internal
    name: Our own people
    match_type: ALL_MATCH_TYPE
    constraints:
      - type: STRING_COMPARISON_TYPE
        property: email
        operator: suffix
        value: "@example.com"
"""

_FILES = {
    "burgee.yaml": _PROJECT,
    "flags/staging/features.yaml": _FEATURES.format(percentage=50),
    "flags/production/features.yaml": _FEATURES.format(percentage=10),
}


@click.command("init", epilog=example("burgee init my-flags"))
@click.argument("folder", default=".", type=click.Path(file_okay=False))
def command(folder: str) -> None:
    """Write burgee.yaml and a first flag for two environments. Files that are there already are left alone."""
    root = Path(folder)
    if (root / "burgee.yaml").exists():
        raise ConfigurationError(f"{root / 'burgee.yaml'} is there already; nothing was written")
    for name, text in _FILES.items():
        path = root / name
        if path.exists():
            note(f"left alone {path}")
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        click.echo(f"wrote {path}")
    click.echo(f"next: burgee validate {folder}, then commit and burgee publish, or burgee dev {folder}")
