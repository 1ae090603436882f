"""Properties of the core; each test quotes the sentence it checks."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from burgee.bundle.document import Document, encode
from burgee.core.bucketing import BUCKETS, limits, owners, threshold_size
from burgee.core.dates import days_from_civil, parse_client_date, parse_rfc3339, parse_server_date
from burgee.core.dialects import WHITE_SPACE
from burgee.core.errors import BurgeeError
from burgee.core.instant import format_instant, parse_instant
from burgee.core.numbers import f32, parse_int32, parse_number
from burgee.core.snapshot import Snapshot
from tests.builders import a_boolean_flag, a_flag, a_namespace, a_rule, a_threshold
from tests.conformance.generated import a_generated_document, questions
from tests.conformance.naive import Naive, go_number, single

QUICK = settings(max_examples=200, deadline=None)
WEIGHTS = st.lists(st.floats(2**-10, 100, width=32), min_size=1, max_size=12)
ARITHMETICS = st.sampled_from(["S1", "S2", "C"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERISH = st.text("0123456789+-._eExXpPabfinty NaN\u0660", max_size=9)


@settings(max_examples=60, deadline=None)
@given(WEIGHTS, ARITHMETICS)
def test_every_bucket_has_the_owner_the_rule_names(weights: list[float], buckets: str) -> None:
    """'The winner is the first index whose limit is >= b + 1; on clients the last index with that limit on a tie.'"""
    naive = Naive({"flags": [], "segments": []}, buckets=buckets, dialect="server", plus=False)
    ends, indices = owners(weights, buckets)
    for bucket in range(BUCKETS):
        place = bisect_right(ends, bucket)
        owner = indices[place] if place < len(indices) else None
        assert owner == naive.winner([single(weight) for weight in weights], bucket)


@QUICK
@given(WEIGHTS)
def test_the_last_limit_is_forced_to_1000(weights: list[float]) -> None:
    """'The last limit is forced to 1000' (S2 and C)."""
    assert limits(weights, "S2")[-1] == limits(weights, "C")[-1] == BUCKETS


@QUICK
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_weights_of_one_decimal_that_make_100_split_exactly_under_c_and_s1(one: int, other: int) -> None:
    """'C and S1 are exact on all of those' (integer and one-decimal splits)."""
    first, second = sorted((one, other))
    weights = [part / 10 for part in (first, second - first, 1000 - second) if part]
    wanted = [end for end in dict.fromkeys((first, second, 1000)) if end]
    assert limits(weights, "C") == limits(weights, "S1") == wanted


@QUICK
@given(st.floats(-10, 200))
def test_a_threshold_hits_its_ceiling(percentage: float) -> None:
    """'The effective share of buckets is min(100, max(0, ceil(percentage))) out of 100.'"""
    hit = [bucket for bucket in range(100) if single(bucket) < single(percentage)]
    assert hit == list(range(threshold_size(percentage)))


@QUICK
@given(st.floats())
def test_f32_is_the_processors_binary32(number: float) -> None:
    """'All arithmetic is IEEE binary32.'"""
    assert repr(f32(number)) == repr(single(number))


@settings(max_examples=1500, deadline=None)
@given(NUMBERISH)
@example("0x_1p-1_0")
@example("1_e5")
@example("-0x.8p+1")
@example("0X1.P1")
@example("00_1.5e-0_1")
def test_number_texts_are_read_by_gos_grammar(text: str) -> None:
    """'Accepted number text: optional sign; decimal with optional fraction and exponent; underscores ...'"""
    wanted, read = go_number(text), parse_number(text)
    if wanted is None or read is None:
        assert wanted is None and read is None
    elif wanted != wanted:
        assert read != read
    else:
        assert float(wanted) == read


@QUICK
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_binary64_is_read_back_from_its_digits_and_from_hexadecimal(number: float) -> None:
    """'binary64 comparison of v with value', 'hex floats only with exponent'."""
    assert parse_number(repr(number)) == parse_number(number.hex()) == number


@QUICK
@given(st.integers(-(2**33), 2**33), st.sampled_from(["{}", "{:+}", "{:020}"]))
def test_client_numbers_are_the_signed_32_bit_integers(number: int, shape: str) -> None:
    """'Signed 32-bit integers only (optional sign, decimal digits).'"""
    assert parse_int32(shape.format(number)) == (number if -(2**31) <= number < 2**31 else None)


@QUICK
@given(st.datetimes(timezones=st.just(UTC)), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_instants_are_read_as_the_calendar_says(instant: datetime, offset: int) -> None:
    """'Compared as instants with nanosecond precision' on servers, 'compared at whole seconds' on clients."""
    assume(instant.year not in (1, 9999))
    text = instant.astimezone(timezone(timedelta(minutes=offset))).isoformat(timespec="microseconds")
    micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_rfc3339(text) == micros * 1000
    assert parse_client_date(text) == micros // 1_000_000


@QUICK
@given(st.dates())
def test_a_date_is_midnight_in_utc(day: Any) -> None:
    """'YYYY-MM-DD (midnight UTC)', 'date-only never matches' on clients."""
    days = day.toordinal() - 719_163
    assert days_from_civil(day.year, day.month, day.day) == days
    assert parse_server_date(day.isoformat()) == days * 86_400 * 10**9
    assert parse_client_date(day.isoformat()) is None


def test_year_0_has_366_days_and_ends_where_year_1_begins() -> None:
    """'Year 0000 to 9999.'"""
    days = [days_from_civil(0, month, 1) for month in range(1, 13)] + [days_from_civil(1, 1, 1)]
    assert [end - start for start, end in pairwise(days)] == [
        31,
        29,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ]


@QUICK
@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_instants_are_written_and_read_back_to_the_millisecond(instant: int) -> None:
    """'Whole milliseconds since 1970-01-01T00:00:00Z, and their text: RFC 3339 in UTC.'"""
    assert parse_instant(format_instant(instant)) == instant


def test_white_space_is_gos_and_not_pythons() -> None:
    """'White space is exactly ...; Python's strip() additionally removes U+001C to U+001F.'"""
    of_python = {chr(number) for number in range(0x110000) if chr(number).isspace()}
    assert of_python - set(WHITE_SPACE) == set("\x1c\x1d\x1e\x1f")
    assert set(WHITE_SPACE) <= of_python


@QUICK
@given(TEXTS)
def test_any_entity_id_is_hashed_by_its_utf_8_bytes(entity: str) -> None:
    """'CRC-32 over the UTF-8 bytes of the concatenation, no normalisation, no trimming. The entity id may be empty.'"""
    halves = [("a", 50.0), ("b", 50.0)]
    namespace = a_namespace(a_flag("v", rules=[a_rule("everybody", halves)]), a_boolean_flag("t", a_threshold(50)))
    bucket = zlib.crc32(b"v" + entity.encode()) % 1000
    assert namespace.variant("v", entity, {}, 0).variant_key == ("a" if bucket < 500 else "b")
    assert namespace.boolean("t", entity, {}, 0).enabled == (zlib.crc32(entity.encode() + b"t") % 100 < 50)


@QUICK
@given(st.text(st.characters(categories=["Cs"]), min_size=1, max_size=3), TEXTS)
def test_a_lone_surrogate_fails_only_where_bytes_are_needed(surrogates: str, text: str) -> None:
    """No UTF-8 holds a lone surrogate; whoever reads requests replaces them. Contexts are never encoded."""
    halves = a_rule("everybody", [("a", 50.0), ("b", 50.0)])
    namespace = a_namespace(a_flag("split", rules=[halves]), a_flag("plain", rules=[a_rule("yes")]))
    assert namespace.variant("plain", surrogates + text, {"p": surrogates}, 0).match is False
    try:
        namespace.variant("split", surrogates + text, {}, 0)
    except UnicodeEncodeError:
        return
    raise AssertionError("wanted UnicodeEncodeError")


def test_evaluation_is_pure_and_safe_among_threads() -> None:
    """'Safe among threads: compiling twice gives the same.'"""
    rng = Random("threads")
    normal = a_generated_document(rng, flags=60, unknown_types=False)
    asked = questions(rng, normal, 8)
    document = Document(encode(normal))
    shared = Snapshot("C/server", {"default": document}).namespace("")
    fresh = Snapshot("C/server", {"default": document}).namespace("")
    wanted = [fresh.evaluate(*question, 0) for question in asked]
    with ThreadPoolExecutor(8) as threads:
        runs = list(threads.map(lambda _: [shared.evaluate(*question, 0) for question in asked], range(8)))
    assert all(run == wanted for run in runs)
    assert [fresh.evaluate(*question, 0) for question in asked] == wanted


def test_evaluation_changes_neither_document_nor_context() -> None:
    """'Pure decisions about flags.'"""
    rng = Random("unchanged")
    normal = a_generated_document(rng, flags=40)
    before = encode(normal)
    namespace = Snapshot("C+/client", {"default": Document(before)}).namespace("")
    for flag, entity, context in questions(rng, normal, 5):
        copy = dict(context)
        namespace.evaluate(flag, entity, context, 0)
        assert context == copy
    assert encode(normal) == before


@QUICK
@given(st.text(max_size=20))
def test_any_text_as_flag_key_is_an_answer_or_not_found(key: str) -> None:
    """'Evaluate a flag of either type. Raises FlagNotFound.'"""
    namespace = a_namespace(a_flag("a"))
    try:
        assert namespace.evaluate(key, "e", {}, 0).flag_key == key == "a"
    except BurgeeError as error:
        assert error.status == 404
