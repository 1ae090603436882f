"""What holds for every authored file."""

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.author.authored import SourceFile, author
from burgee.author.finding import Finding
from burgee.author.locate import locate
from burgee.author.read import read
from burgee.author.scalars import Scalars
from burgee.bundle.document import encode

_KEYS = st.text("abcXYZ019-_,", min_size=1, max_size=6)
# PyYAML's writer does not write these so that a reader has them back; canonical bytes are tested with them below.
_TEXT = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff\u2028\u2029\x85"
    ),
    max_size=8,
)
_ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("\x00\x7f\x85\u2028\u2029\ufeff\uffff"))
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
    flag: dict[str, Any] = {
        "key": draw(_KEYS),
        "name": draw(_NAMES),
        "enabled": draw(st.booleans()),
        "variants": draw(variants()),
    }
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


_STYLES: tuple[dict[str, Any], ...] = (
    {"default_flow_style": False},
    {"default_flow_style": True, "width": 20},
    {"default_flow_style": None, "sort_keys": False, "indent": 4},
)


def dumped(document: dict[str, Any], style: dict[str, Any]) -> str:
    text: str = yaml.dump(document, Dumper=FliptDumper, allow_unicode=True, **style)
    return text


def canonical(text: str | bytes, path: str = "features.yml") -> dict[str, bytes]:
    found = author([SourceFile(path, text.encode() if isinstance(text, str) else text)])
    assert found.ok, found.problems
    return {key: encode(document) for key, document in found.documents.items()}


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(child) for key, child in reversed(value.items())}
    return [reversed_keys(child) for child in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(documents())
def test_formatting_that_means_nothing_gives_the_same_bytes(document: dict[str, Any]) -> None:
    """A bundle depends on flag content alone: style, quoting and order of keys do not matter."""
    expected = canonical(json.dumps(document), "features.json")
    assert canonical(json.dumps(reversed_keys(document), ensure_ascii=False, indent=2), "features.json") == expected
    for style in _STYLES:
        assert canonical(dumped(document, style)) == expected


@settings(max_examples=40, deadline=None)
@given(documents())
def test_canonical_bytes_are_a_flags_file_with_the_same_canonical_bytes(document: dict[str, Any]) -> None:
    """A document is at the same time a valid Flipt features document."""
    for content in canonical(json.dumps(document), "features.json").values():
        assert list(canonical(content).values()) == [content]
        assert list(canonical(content, "features.json").values()) == [content]


@settings(max_examples=40, deadline=None)
@given(documents(), st.sampled_from(_STYLES))
def test_position_is_the_same_whether_a_part_or_the_whole_file_is_read(document: dict[str, Any], style: Any) -> None:
    """A few findings are sought in the text of their own flag or segment."""
    content = ("# é😀\n---\n" + dumped(document, style)).encode()
    starts = read("f.yml", content).starts
    paths = [place for field in ("flags", "segments") for place in paths_of(document[field], (field,))]
    findings = [Finding(path, "x", "x", on_key=on_key) for path in paths for on_key in (False, True)]
    assert locate(content, findings, json=False, starts=starts) == locate(content, findings, json=False)


def paths_of(value: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [place for key, child in children for place in paths_of(child, (*path, key))]
    return below if len(path) < 2 else [path, (*path, "absent"), *below]


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


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=60) | _TEXT.map(str.encode) | _SNIPPETS.map(str.encode), st.sampled_from(("f.yml", "f.json")))
def test_no_bytes_make_the_reader_raise(content: bytes, path: str) -> None:
    """Whatever the bytes are, the answer is documents and findings, never an exception."""
    found = author([SourceFile(path, content)])
    assert all(problem.file == path and problem.line >= 0 for problem in found.problems)
    if found.ok:
        assert all(encode(document) for document in found.documents.values())


@settings(max_examples=80, deadline=None)
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


@given(_ANY_TEXT, st.sampled_from(["features.yaml", "features.json"]))
def test_canonical_bytes_read_back_the_same_whatever_characters_they_hold(text: str, path: str) -> None:
    """A document is at the same time a valid Flipt features document."""
    variant = {"key": "v", "attachment": {"text": text, "nested": [text]}}
    content = encode({"namespace": "default", "flags": [{"key": "f", "name": "F", "variants": [variant]}]})
    again = author([SourceFile(path, content)])
    assert again.ok
    assert [encode(document) for document in again.documents.values()] == [content]
