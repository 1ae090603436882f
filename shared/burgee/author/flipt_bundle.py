"""A bundle's layers as the files they were made of: one features file for each, in a folder named after its namespace.

Law: files are read in the order of their paths, which is that of the layers wherever it counts: within a namespace.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import yaml

from ..bundle.keys import checked_namespace
from ..core.errors import InvalidDocument, InvalidRequest
from .authored import SourceFile, author
from .flipt_manifest import FliptManifest

_WIDTH = 120
_LIKE_NUMBERS = tuple("0123456789+-.")


class _Dumper(yaml.CSafeDumper):
    """Quotes what newer readers of YAML than PyYAML take for numbers, such as 1e3 and 0o17."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    quoted = "'" if text.startswith(_LIKE_NUMBERS) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)


_Dumper.add_representer(str, _text)


def source_files(manifest: FliptManifest, contents: Mapping[str, bytes]) -> tuple[SourceFile, ...]:
    """The files of a bundle; `contents` are its layers' bytes by digest.

    Their paths, as `default/features.yaml`, are read without an index by both lines of Flipt's servers. Raises
    InvalidDocument for a namespace that could not be a folder's name.
    """
    paths = _paths(manifest)
    return tuple(
        SourceFile(path, contents[layer.blob.digest]) for path, layer in zip(paths, manifest.layers, strict=True)
    )


def readable(files: Sequence[SourceFile]) -> tuple[SourceFile, ...]:
    """The same flags, with JSON written as YAML for people; as they are where that would not say the same."""
    as_yaml = tuple(map(_as_yaml, files))
    before, after = author(files), author(as_yaml)
    same = before.ok and after.ok and before.documents == after.documents
    return as_yaml if same else tuple(files)


def _paths(manifest: FliptManifest) -> Iterator[str]:
    """Layers of one namespace have a number, of as many digits as the last one needs, so that they sort."""
    counts = Counter(_folder(layer.namespace) for layer in manifest.layers)
    seen: Counter[str] = Counter()
    for layer in manifest.layers:
        folder = layer.namespace
        seen[folder] += 1
        if counts[folder] > 1:
            folder += f".{seen[folder]:0{len(str(counts[folder]))}d}"
        yield f"{folder}/features.{layer.suffix}"


def _folder(namespace: str) -> str:
    try:
        return checked_namespace(namespace)
    except InvalidRequest as error:
        raise InvalidDocument(f"the bundle has a layer whose namespace could be no file's name: {error}") from error


def _as_yaml(file: SourceFile) -> SourceFile:
    if not file.path.endswith(".json"):
        return file
    try:
        document = json.loads(file.content)
        text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    except (ValueError, RecursionError, yaml.YAMLError):
        return file
    return SourceFile(file.path.removesuffix("json") + "yaml", text.encode(errors="surrogatepass"))
