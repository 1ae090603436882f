"""Where a function runs: a Python of AWS Lambda on a processor, and the wheels that fit them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

# Python: the systems that a wheel for it may ask for. Lambda's 3.11 runs on glibc 2.26, the newer ones on 2.34.
PYTHONS = {
    "3.11": ("manylinux2014", "manylinux_2_17"),
    "3.12": ("manylinux2014", "manylinux_2_17", "manylinux_2_28"),
    "3.13": ("manylinux2014", "manylinux_2_17", "manylinux_2_28"),
}
# What Lambda calls a processor, and what wheels call it.
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}


@dataclass(frozen=True, slots=True)
class Target:
    """A Python of PYTHONS on a processor of ARCHITECTURES."""

    python: str
    architecture: str

    def __str__(self) -> str:
        return f"Python {self.python} on {self.architecture}"

    @property
    def pip_options(self) -> tuple[str, ...]:
        """What makes pip choose wheels for this target, whatever it runs on itself."""
        platforms = [f"{system}_{ARCHITECTURES[self.architecture]}" for system in PYTHONS[self.python]]
        return (
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}"),
            *(f"--platform={platform}" for platform in platforms),
        )


TARGETS = tuple(Target(*pair) for pair in product(PYTHONS, ARCHITECTURES))
