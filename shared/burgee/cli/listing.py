"""Objects that can be listed, where the place, the rights and the SDKs allow it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ..core.errors import ConfigurationError, Denied, Unavailable
from ..deliver.instances import Instance, read_instances
from ..fetch.clock import SystemClock
from ..store.objects import ObjectStore
from ..store.port import Objects
from .stores import is_registry, is_web, objects_to_write


def objects_to_list(url: str) -> Objects:
    """The objects of a store as one has them who can list them. Raises ConfigurationError where that is not possible,
    Denied where it is not allowed."""
    if is_web(url) or is_registry(url):
        raise ConfigurationError("a web server or a registry lists no objects")
    objects = objects_to_write(url)
    next(iter(objects.list("environments/")), None)
    return objects


def reports(url: str, environment: str) -> Mapping[int, Sequence[Instance]]:
    """The readers that report what they serve, by the number of that release; none where they cannot be listed."""
    found: dict[int, list[Instance]] = defaultdict(list)
    try:
        store = ObjectStore(objects_to_list(url))
        for instance in read_instances(store, environment, now=SystemClock.wall()):
            found[instance.revision or 0].append(instance)
    except (ConfigurationError, Denied, Unavailable):
        return {}
    return found
