"""Where a function runs: a Python on a processor, and the wheels that fit them."""

from __future__ import annotations

from dataclasses import dataclass

# What clouds call a processor, and what wheels call it.
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}


@dataclass(frozen=True, slots=True)
class Target:
    """A Python on a processor of ARCHITECTURES; `systems` are those that a wheel for it may ask for."""

    python: str
    architecture: str
    systems: tuple[str, ...]

    def __str__(self) -> str:
        return f"Python {self.python} on {self.architecture}"

    @property
    def pip_options(self) -> tuple[str, ...]:
        """What makes pip choose wheels for this target, whatever it runs on itself."""
        platforms = [f"{system}_{ARCHITECTURES[self.architecture]}" for system in self.systems]
        return (
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}"),
            *(f"--platform={platform}" for platform in platforms),
        )
