"""Terraform as an operator runs it, on a copy of a root, with an emulator of the cloud instead of the cloud."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INFRASTRUCTURE = Path(__file__).parents[2] / "infra" / "terraform"
_VARIABLES = "given.auto.tfvars.json"
_SECONDS = 60
# Most of it is the provider's waiting for what an emulator has at once.
_SECONDS_TO_CHANGE = 300
_NO_CHANGES, _CHANGES = 0, 2
# What a checkout may hold that is not of the configuration.
_STATE = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfplan", "*.tfvars")


def find_terraform() -> str | None:
    """The command that this machine has."""
    return shutil.which("terraform")


def find_plugins() -> Path | None:
    """A folder with the provider in it, for machines without a network; elsewhere Terraform finds its own."""
    patterns = ("*/*plugins*/*/hashicorp/aws/[5-6].*", "*/*/*plugins*/*/hashicorp/aws/[5-6].*")
    found = (path for pattern in patterns for path in Path("/").glob(pattern))
    return next((path.parents[3] for path in found), None)


@dataclass(frozen=True, slots=True)
class Terraform:
    """A copy of a root, with the modules beside it; `environ` is what it is told of the cloud."""

    root: Path
    environ: Mapping[str, str]

    def give(self, **variables: Any) -> None:
        """Values of the root's variables, for every command from now on, besides those that were given before."""
        file = self.root / _VARIABLES
        before = json.loads(file.read_text("utf-8")) if file.exists() else {}
        file.write_text(json.dumps(before | variables), "utf-8")

    def init(self) -> None:
        """Find modules and provider. Raises TerraformFailed."""
        plugins = find_plugins()
        self._run("init", "-input=false", *([f"-plugin-dir={plugins}"] if plugins else []))

    def validate(self) -> None:
        """Raises TerraformFailed when the configuration is not one."""
        self._run("validate")

    def format_differences(self) -> str:
        """What `terraform fmt` would write in another way; empty when it would not."""
        return self._run("fmt", "-check", "-diff", "-recursive", "..", answers=(0, 3))[1]

    def test(self) -> str:
        """What `terraform test` says of the files in `tests`. Raises TerraformFailed when one of them fails."""
        return self._run("test", seconds=_SECONDS_TO_CHANGE)[1]

    def apply(self) -> None:
        """Make what is described. Raises TerraformFailed."""
        self._run("apply", "-auto-approve", "-input=false", seconds=_SECONDS_TO_CHANGE)

    def changes(self) -> str:
        """What an apply would change; empty when it would change nothing. Raises TerraformFailed."""
        command = ("plan", "-detailed-exitcode", "-input=false")
        status, said = self._run(*command, seconds=_SECONDS_TO_CHANGE, answers=(_NO_CHANGES, _CHANGES))
        return said if status == _CHANGES else ""

    def plan_is_empty(self) -> bool:
        """Whether an apply would change nothing."""
        return not self.changes()

    def outputs(self) -> dict[str, Any]:
        """The root's outputs by name."""
        return {name: output["value"] for name, output in json.loads(self._run("output", "-json")[1]).items()}

    def resources(self) -> list[str]:
        """Addresses of what the state holds."""
        return self._run("state", "list")[1].splitlines()

    def destroy(self) -> None:
        """Take away what was made. Raises TerraformFailed."""
        self._run("destroy", "-auto-approve", "-input=false", seconds=_SECONDS_TO_CHANGE)

    def _run(self, *command: str, seconds: float = _SECONDS, answers: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """Exit status, which is one of `answers`, and standard output."""
        said = " ".join(("terraform", *command))
        try:
            done = subprocess.run(
                (find_terraform() or "terraform", *command),
                cwd=self.root,
                env=_environ(self.environ),
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            until_then = (error.stdout or b"").decode(errors="replace")
            raise TerraformFailed(f"{said}: wanted an end within {seconds} s, it had said\n{until_then}") from None
        if done.returncode not in answers:
            raise TerraformFailed(f"{said}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.returncode, done.stdout


class TerraformFailed(AssertionError):
    """A command that ended otherwise than it should; the message holds all that it said."""

    def __str__(self) -> str:
        """Without the frames and line ends of its terminal output, so that a sentence can be looked for in it."""
        return re.sub(r"\s*\n[│╷╵ \t]*", "\n", str(self.args[0]))


def a_copy_of(root: str, folder: Path, environ: Mapping[str, str]) -> Terraform:
    """The root of that name, as `aws`, in a folder of its own: no state of the checkout, and none left in it."""
    shutil.copytree(INFRASTRUCTURE, folder, ignore=_STATE)
    return Terraform(folder / root, environ)


def unavailable(terraform: Terraform) -> str | None:
    """Why this machine cannot run it; None once it is initialised. Raises TerraformFailed for a wrong configuration."""
    if find_terraform() is None:
        return "needs terraform 1.11 or newer"
    try:
        terraform.init()
    except TerraformFailed as failure:
        if find_plugins():
            raise
        return f"needs the provider, which `terraform init` could not get: {failure}"
    return None


def placeholder_packages(folder: Path, *names: str) -> Path:
    """`folder`, with a zip for each function and their manifest; they do nothing, and are deployed as the real ones."""
    folder.mkdir(parents=True, exist_ok=True)
    functions = {}
    for name in names:
        file = folder / f"{name}.zip"
        with zipfile.ZipFile(file, "w") as package:
            package.writestr(zipfile.ZipInfo("main.py"), "def handler(event, context): return None\n")
        content = file.read_bytes()
        functions[name] = {
            "zip": file.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "handler": "main.handler",
        }
    manifest = {"format": 1, "version": "0.0.0", "python": "3.13", "architecture": "arm64", "functions": functions}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def _environ(given: Mapping[str, str]) -> dict[str, str]:
    """Nothing of what this machine is told of the cloud or of Terraform: no command may reach somebody's account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    alone = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHECKPOINT_DISABLE": "1",
        "NO_COLOR": "1",
        "TF_CLI_ARGS": "-no-color",
        "TF_IN_AUTOMATION": "1",
    }
    return kept | alone | dict(given)
