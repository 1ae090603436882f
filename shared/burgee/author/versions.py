"""What each version of the features format allows; the version changes validation only.

A feature counts as allowed when either server line's newest version takes it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """Which features a document of this version may use.

    `lists` and `list_texts`: how isoneof and isnotoneof are written, as lists or as text that holds JSON.
    `untyped_rollouts`: whether a flag without `type` may have rollouts (they are never evaluated).
    """

    name: str
    flag_type: bool = True
    defaults_and_metadata: bool = True
    lists: bool = False
    list_texts: bool = True
    untyped_rollouts: bool = True


# One server line takes a missing version for 1.4, the other for 1.6.
UNSTATED = Version("", lists=True)
VERSIONS = {
    version.name: version
    for version in (
        Version("1.0", flag_type=False, defaults_and_metadata=False),
        Version("1.1", defaults_and_metadata=False),
        Version("1.2", defaults_and_metadata=False),
        Version("1.3"),
        Version("1.4"),
        # Only the newer server line knows these two, and it is the stricter one about rollouts.
        Version("1.5", untyped_rollouts=False),
        Version("1.6", lists=True, list_texts=False, untyped_rollouts=False),
    )
}
