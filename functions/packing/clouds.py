"""What each cloud wants of a package: its entry, where packages go, and the Pythons and processors there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from burgee.core.errors import ConfigurationError

from .target import Target

_OLD = ("manylinux2014", "manylinux_2_17")
_NEW = (*_OLD, "manylinux_2_28")
_NEWEST = (*_NEW, "manylinux_2_34")


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud's functions, each a folder with `entry` in it.

    `pythons` are those it has, each with the systems that a wheel may ask for there; the first processor of
    `architectures` is the usual one. `packages` is the folder for wheels in a package, None where the cloud installs by
    itself what `requirements.txt` pins. `beside` are files that go along. `bytecode` says whether it starts without the
    source of its entry.
    """

    name: str
    entry: str
    handler: str
    pythons: Mapping[str, tuple[str, ...]]
    architectures: tuple[str, ...]
    python: str
    packages: str | None = ""
    beside: tuple[str, ...] = ()
    bytecode: bool = False

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every Python on every processor that there is."""
        pairs = product(self.pythons, self.architectures)
        return tuple(Target(python, architecture, self.pythons[python]) for python, architecture in pairs)

    def target(self, python: str | None, architecture: str | None) -> Target:
        """The target of these, or of what is usual here. Raises ConfigurationError for what the cloud does not have."""
        wanted = (python or self.python, architecture or self.architectures[0])
        for target in self.targets:
            if (target.python, target.architecture) == wanted:
                return target
        known = f"Python {', '.join(self.pythons)} on {' or '.join(self.architectures)}"
        raise ConfigurationError(f"wanted Python {wanted[0]} on {wanted[1]}; functions of {self.name} are for {known}")


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            name="aws",
            entry="main.py",
            handler="main.handler",
            # Lambda's 3.11 runs on glibc 2.26, the newer ones on 2.34.
            pythons={"3.11": _OLD, "3.12": _NEW, "3.13": _NEW},
            architectures=("arm64", "x86_64"),
            python="3.13",
            bytecode=True,
        ),
        Cloud(
            name="azure",
            entry="function_app.py",
            handler="function_app.app",
            # Glibc 2.31. From 3.13 on the worker keeps its own packages to itself, azure.functions among them.
            pythons={"3.11": _NEW, "3.12": _NEW},
            architectures=("x86_64",),
            python="3.12",
            packages=".python_packages/lib/site-packages/",
            beside=("host.json",),
        ),
        Cloud(
            name="gcp",
            entry="main.py",
            handler="main.handler",
            # Glibc 2.35.
            pythons={"3.11": _NEWEST, "3.12": _NEWEST, "3.13": _NEWEST},
            architectures=("x86_64",),
            python="3.13",
            packages=None,
        ),
    )
}
