"""What holds for every authored file."""

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.author.authored import SourceFile, author
from burgee.author.scalars import Scalars
from burgee.bundle.document import encode

_KEYS = st.text("abcXYZ019-_,", min_size=1, max_size=6)
_TEXT = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff\u2028\u2029\x85"
    ),
    max_size=8,
)
_NAMES = _TEXT.filter(lambda text: text != "" and "\n" not in text)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9, width=32) | _TEXT
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=6
)
_SEGMENTS = ("s", "t", "u")


@st.composite
def variants(draw: st.DrawFn) -> list[dict[str, Any]]:
    keys = draw(st.lists(_NAMES, unique=True, max_size=3))
    return [
        {
            "key": key,
            **draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "name": _NAMES,
                        "attachment": st.dictionaries(_TEXT, _VALUES, max_size=3),
                        "default": st.booleans(),
                    },
                )
            ),
        }
        for key in keys
    ]


@st.composite
def flags(draw: st.DrawFn) -> dict[str, Any]:
    flag = {"key": draw(_KEYS), "name": draw(_NAMES), "enabled": draw(st.booleans()), "variants": draw(variants())}
    segment = st.fixed_dictionaries({"keys": st.lists(st.sampled_from(_SEGMENTS), max_size=3)})
    if draw(st.booleans()):
        threshold = st.fixed_dictionaries({"percentage": st.floats(0, 100)}, optional={"value": st.booleans()})
        rollout = st.fixed_dictionaries({"threshold": threshold}) | st.fixed_dictionaries({"segment": segment})
        return {**flag, "type": "BOOLEAN_FLAG_TYPE", "rollouts": draw(st.lists(rollout, max_size=3))}
    names = [variant["key"] for variant in flag["variants"]]
    part = st.fixed_dictionaries(
        {"variant": st.sampled_from(names or ["none"]), "rollout": st.floats(0, 100) | st.integers(0, 100)}
    )
    distributions = st.lists(part, max_size=3 if names else 0)
    flag["rules"] = draw(
        st.lists(st.fixed_dictionaries({"segment": segment, "distributions": distributions}), max_size=3)
    )
    return {
        **flag,
        "metadata": draw(st.dictionaries(_TEXT, _VALUES.filter(lambda value: value is not None), max_size=2)),
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    values = draw(st.lists(_TEXT, max_size=3))
    constraint = {"type": "STRING_COMPARISON_TYPE", "property": "p", "operator": "isoneof", "value": values}
    segments = [
        {"key": key, "name": key, "match_type": "ANY_MATCH_TYPE", "constraints": [constraint]} for key in _SEGMENTS
    ]
    return {"namespace": draw(_KEYS), "flags": draw(st.lists(flags(), max_size=3)), "segments": segments}


class FliptDumper(yaml.SafeDumper):
    """Quotes what Flipt would not read as text; PyYAML's own rules are those of YAML 1.1."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = type(Scalars()[text]) is str
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else "'")


FliptDumper.add_representer(str, _represent_text)


def canonical(text: str | bytes, path: str = "features.yml") -> dict[str, bytes]:
    found = author([SourceFile(path, text.encode() if isinstance(text, str) else text)])
    assert found.ok, found.problems
    return {key: encode(document) for key, document in found.documents.items()}


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(child) for key, child in reversed(value.items())}
    return [reversed_keys(child) for child in value] if isinstance(value, list) else value


@settings(max_examples=60, deadline=None)
@given(documents())
def test_formatting_that_means_nothing_gives_the_same_bytes(document: dict[str, Any]) -> None:
    """A bundle depends on flag content alone: style, quoting and order of keys do not matter."""
    expected = canonical(json.dumps(document), "features.json")
    assert canonical(json.dumps(reversed_keys(document), ensure_ascii=False, indent=2), "features.json") == expected
    for style in (
        {"default_flow_style": False},
        {"default_flow_style": True, "width": 20},
        {"default_style": None, "sort_keys": False},
    ):
        assert canonical(yaml.dump(document, Dumper=FliptDumper, allow_unicode=True, **style)) == expected


@settings(max_examples=60, deadline=None)
@given(documents())
def test_canonical_bytes_are_a_flags_file_with_the_same_canonical_bytes(document: dict[str, Any]) -> None:
    """A document is at the same time a valid Flipt features document."""
    for content in canonical(json.dumps(document), "features.json").values():
        assert list(canonical(content).values()) == [content]
        assert list(canonical(content, "features.json").values()) == [content]


_SNIPPETS = st.lists(
    st.sampled_from(
        (
            "flags",
            ":",
            " ",
            "\n",
            "- ",
            "key",
            "{",
            "}",
            "[",
            "]",
            ",",
            "&a ",
            "*a",
            "<<",
            "'",
            '"',
            "\\",
            "1",
            "---\n",
            "!!int ",
            "|",
            "rules",
            "segments",
            ".inf",
            "\t",
            "#",
            "? ",
        )
    ),
    max_size=25,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | _TEXT.map(str.encode) | _SNIPPETS.map(str.encode), st.sampled_from(("f.yml", "f.json")))
def test_no_bytes_make_the_reader_raise(content: bytes, path: str) -> None:
    """Whatever the bytes are, the answer is documents and findings, never an exception."""
    found = author([SourceFile(path, content)])
    assert all(problem.file == path and problem.line >= 0 for problem in found.problems)
    if found.ok:
        assert all(encode(document) for document in found.documents.values())


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        _SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    (
                        "version",
                        "namespace",
                        "flags",
                        "segments",
                        "key",
                        "name",
                        "rules",
                        "rollouts",
                        "segment",
                        "keys",
                        "threshold",
                        "distributions",
                        "constraints",
                        "type",
                        "operator",
                        "value",
                        "metadata",
                        "variants",
                        "attachment",
                    )
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_shape_makes_the_checks_raise(value: Any) -> None:
    """Every mistake is a problem, whatever stands where."""
    for document in (
        value,
        {"flags": [value]},
        {"segments": [value]},
        {"flags": [{"key": "f", "name": "F", "rules": [value], "rollouts": [value], "variants": [value]}]},
        {"segments": [{"key": "s", "name": "S", "constraints": [value]}]},
    ):
        author([SourceFile("f.json", json.dumps(document).encode())])
