"""An account of AWS with burgee deployed into it: moto, what Terraform made there, and its functions as processes.

Every function runs the zip that was deployed, with the variables that Terraform gave it and keys of its own role.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shutil import copytree
from typing import Any

from tests.servers.forge import TOKEN, Forge, forge
from tests.servers.git_cli import commit, git
from tests.servers.git_http import git_server
from tests.servers.lambda_sources import Poller, front
from tests.servers.lambdas import Function, running
from tests.servers.moto import REGION, Keys, Moto, moto
from tests.servers.outage import Between, between
from tests.servers.terraform import Terraform, a_copy_of

ROOT = Path(__file__).resolve().parents[3]
FUNCTIONS = ("webhook", "publish", "evaluate")
# Which package a function is of, where that is not its own name: this one believes what our key has signed.
_FORMS = {"evaluate": "evaluate-verify"}
TTL_SECONDS = 1


@dataclass(slots=True)
class Repository:
    """A clone of samplerepo as a person has it, and the server that it is pushed to."""

    url: str
    clone: Path

    def push(self, files: Mapping[str, str] | None = None, branch: str = "main") -> str:
        """Commit files and push; the commit's id."""
        made = commit(self.clone, files or {})
        git(self.clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return made

    def read(self, path: str) -> str:
        return (self.clone / path).read_text()


@dataclass
class Cloud:
    """Everything there is while the story runs."""

    moto: Moto
    terraform: Terraform
    packages: Path
    repository: Repository
    forge: Forge
    between: Between
    folder: Path
    person: Keys
    # ARN of the key that releases are signed with, and the public one as readers are given it.
    key: str = ""
    public_key: str = ""
    functions: dict[str, Function] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """What Terraform says at its end."""
        return self.terraform.outputs()

    @cached_property
    def roles(self) -> dict[str, Keys]:
        """Keys of sessions in the functions' roles, which Lambda alone may make once rights are checked."""
        return {name: self.moto.assume(self.outputs["functions"][name]["role_arn"]) for name in FUNCTIONS}

    @property
    def signing(self) -> dict[str, str]:
        """The variables of a person who signs with the key."""
        return {"BURGEE_SIGNING_KEYS": f"awskms:///{self.key}"}

    def give_key(self, key: str, public_key: str) -> None:
        """Have Terraform deploy what signs with a key of KMS and what believes it alone."""
        self.key, self.public_key = key, public_key
        publishing = {"git_host": "github", "git_api": self.forge.api("github"), "signing_keys": [key]}
        evaluation = {
            "ttl_seconds": TTL_SECONDS,
            # Nobody signs which one is the default.
            "environment": "production",
            "verify_keys": [public_key],
            # As `burgee status` shows it.
            "verify_repository": self.repository.url.removesuffix(".git"),
        }
        self.terraform.give(publishing=publishing, evaluation=evaluation)

    def asked_by_person(self, service: str) -> Any:
        """Amazon's own client of somebody who may do everything."""
        return self.moto.client(service, self.person)

    def client(self, service: str, function: str) -> Any:
        """Amazon's own client with the rights of a function."""
        return self.moto.client(service, self.roles[function])

    def deployed(self, function: str) -> dict[str, Any]:
        """What Lambda knows of a function."""
        name = self.outputs["functions"][function]["name"]
        configuration: dict[str, Any] = self.asked_by_person("lambda").get_function(FunctionName=name)["Configuration"]
        return configuration

    def package_of(self, function: str) -> Path:
        """The zip that was deployed: the one whose hash Lambda was given."""
        zipped = self.packages / f"{_FORMS.get(function, function)}.zip"
        digest = base64.b64encode(hashlib.sha256(zipped.read_bytes()).digest()).decode()
        assert self.deployed(function)["CodeSha256"] == digest, f"what is deployed of {function} is another zip"
        return zipped

    def variables_of(self, function: str) -> dict[str, str]:
        """What Terraform set, the role's keys, and where this Amazon is."""
        given: dict[str, str] = self.deployed(function)["Environment"]["Variables"]
        # On AWS each execution environment has a /tmp of its own.
        kept = {"BURGEE_KEEP": str(self.folder / f"tmp-{function}")} if "BURGEE_KEEP" in given else {}
        places = {"AWS_ENDPOINT_URL": self.moto.url, "AWS_ENDPOINT_URL_S3": self.between.url, "AWS_REGION": REGION}
        return {**given, **kept, **places, **self.roles[function].environ()}

    def secret(self, output: str) -> str:
        """The value of the secret that an output names, as a person reads it."""
        value: str = self.asked_by_person("secretsmanager").get_secret_value(SecretId=self.outputs[output])[
            "SecretString"
        ]
        return value

    @cached_property
    def poller(self) -> Poller:
        """Lambda's poller of the queue, which asks with the rights of publish."""
        return Poller(self.client("sqs", "publish"), self.outputs["queue_url"], self.functions["publish"])

    def waiting(self, output: str = "queue_url") -> int:
        """How many messages a queue holds, whether somebody has them or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        asked = self.asked_by_person("sqs").get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=names)
        return sum(int(asked["Attributes"][name]) for name in names)


@contextmanager
def cloud(folder: Path, packages: Path) -> Iterator[Cloud]:
    """An account with nothing in it, and a repository on a server of its own; nothing of `packages` is deployed yet."""
    with ExitStack() as stack:
        amazon = stack.enter_context(moto())
        relay = stack.enter_context(between(amazon.url))
        host = stack.enter_context(forge())
        host.repository = "git/flags"
        server = stack.enter_context(git_server(folder / "served", token=TOKEN))
        repository = a_repository(folder, f"{server.url}/flags.git")
        person = amazon.make_user("person", action="*", resource="*")
        environ = {"AWS_ENDPOINT_URL": amazon.url, **person.environ()}
        terraform = a_copy_of("aws", folder / "terraform", environ)
        terraform.give(
            region=REGION,
            repository=repository.url,
            packages=str(packages),
            public_bucket=True,
            emulated=True,
            force_destroy=True,
        )
        yield Cloud(amazon, terraform, packages, repository, host, relay, folder, person)


@contextmanager
def started(cloud: Cloud) -> Iterator[None]:
    """The functions, each in a process of its own, and URLs for those that have one."""
    with ExitStack() as stack:
        for name in FUNCTIONS:
            function = stack.enter_context(
                running(cloud.package_of(name), environ=cloud.variables_of(name), name=name, timeout=60)
            )
            cloud.functions[name] = function
            if name != "publish":
                cloud.urls[name] = stack.enter_context(front(function)).rstrip("/")
        yield


def a_repository(folder: Path, url: str) -> Repository:
    """samplerepo, pushed to a bare repository that is served at `url`."""
    bare = folder / "served" / "flags.git"
    bare.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
    clone = folder / "clone"
    copytree(ROOT / "samplerepo", clone, ignore=lambda _, names: [name for name in names if name.startswith(".burgee")])
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "remote", "add", "origin", str(bare))
    repository = Repository(url, clone)
    repository.push()
    return repository


def told(value: Any) -> str:
    """A value as JSON, for messages."""
    return json.dumps(value, default=str)


def clean_environ() -> dict[str, str]:
    """This process's variables without any of burgee's or Amazon's."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BURGEE_"))}
