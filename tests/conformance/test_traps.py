"""The traps of Flipt semantics, section 7, that concern evaluation: one test each, the docstring quoting the trap.

The others are tested where they bite: authored files 13, 14, 15, 26, 27, 28, 29; HTTP and batches 19, 20, 31, 32, 38;
OFREP 33, 34; delivery of snapshots to client SDKs 21, 22, 23, 36.
"""

from __future__ import annotations

import json

import pytest

from burgee.bundle.flipt import client_snapshot
from burgee.core.bucketing import limits, threshold_bucket, threshold_size, variant_bucket
from burgee.core.model import BOOLEAN_FLAG, DATETIME, DEFAULT, FLAG_DISABLED, MATCH, NUMBER, UNKNOWN
from burgee.core.numbers import parse_number
from tests.builders import (
    EVERYBODY,
    NO,
    YES,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    matches,
    named,
    outcome_of,
)

HALVES = [("a", 50.0), ("b", 50.0)]


def test_trap_1_variants_hash_flag_then_entity_and_thresholds_entity_then_flag() -> None:
    """1: two hash orders; variants hash flag+entity mod 1000, thresholds hash entity+flag mod 100."""
    assert (variant_bucket("a", "b"), threshold_bucket("b", "a")) == (0x9E83486D % 1000, 0x9E83486D % 100)
    assert (variant_bucket("b", "a"), threshold_bucket("a", "b")) == (0x2CA74A14 % 1000, 0x2CA74A14 % 100)


def test_trap_2_limits_are_computed_in_binary32() -> None:
    """2: binary32 or wrong; 53/47 puts bucket 529 in the second variant on S2 servers."""
    flag = a_flag("ab-test", rules=[a_rule("everybody", [("a", 53.0), ("b", 47.0)])])
    answers = {
        name: outcome_of(flag, entity="user-1635", profile=name).variant_key for name in ("S2/server", "C/server")
    }
    assert answers == {"S2/server": "b", "C/server": "a"}


def test_trap_2_binary32_and_binary64_differ_on_271_of_the_integer_three_way_splits() -> None:
    """2: binary64 gets 271 of 4,851 integer three-way splits wrong."""
    splits = [(a, b, 100 - a - b) for a in range(1, 99) for b in range(1, 100 - a)]
    wrong = [split for split in splits if limits([float(part) for part in split], "S2") != _in_binary64(split)]
    assert (len(splits), len(wrong)) == (4851, 271)


@pytest.mark.parametrize("gone", ["malformed", "not-there"])
@pytest.mark.parametrize("others", [(), ("everybody",)])
def test_trap_3_a_segment_that_cannot_be_evaluated_never_opens_a_flag(gone: str, others: tuple[str, ...]) -> None:
    """3: v2 drops a malformed segment, and AND over what is left may match everyone. burgee fails closed."""
    malformed = a_segment("malformed", [a_constraint("p", "gt", "2024-31-12", type=DATETIME)])
    flag = a_boolean_flag("flag", a_segment_rollout(gone, *others, every=True))
    assert outcome_of(flag, segments=[malformed, EVERYBODY]).enabled is False


def test_trap_4_disabling_a_boolean_flag_does_not_stop_its_rollouts() -> None:
    """4: `enabled: false` on a boolean flag does not stop rollouts."""
    answer = outcome_of(a_boolean_flag("flag", a_threshold(100), enabled=False))
    assert (answer.enabled, answer.reason) == (True, MATCH)


def test_trap_5_a_disabled_variant_flag_still_returns_its_default_variant() -> None:
    """5: disabled variant flags still return the default variant's key and attachment (match=false)."""
    answer = outcome_of(a_flag(enabled=False, variants=[a_variant("dflt", {"a": 1}, default=True)]))
    assert (answer.match, answer.variant_key, answer.attachment) == (False, "dflt", '{"a":1}')
    assert answer.reason == FLAG_DISABLED


@pytest.mark.parametrize(
    ("percentage", "buckets"),
    [(-5, 0), (0, 0), (0.4, 1), (0.5, 1), (1, 1), (33, 33), (33.3, 34), (99, 99), (99.5, 100), (100, 100), (150, 100)],
)
def test_trap_6_percentages_act_as_their_ceiling(percentage: float, buckets: int) -> None:
    """6: threshold percentages act as their ceiling; 0.5 means 1 %."""
    assert threshold_size(percentage) == buckets


def test_trap_7_weights_that_are_not_100_are_normalised_except_under_s1() -> None:
    """7: S1 leaves the rest unmatched (and does not try later rules); S2/C normalise; 10/10 is a 50/50 split."""
    rules = [a_rule("everybody", [("a", 10.0), ("b", 10.0)]), a_rule("everybody", [("late", 100.0)])]
    flag = a_flag("under", rules=rules)
    answers = {name: outcome_of(flag, entity="user-1", profile=name) for name in ("S1/server", "S2/server", "C/server")}
    assert {name: answer.variant_key for name, answer in answers.items()} == {
        "S1/server": "",
        "S2/server": "b",
        "C/server": "b",
    }
    nobody = answers["S1/server"]
    assert (nobody.match, nobody.reason, nobody.segment_keys) == (False, UNKNOWN, ("everybody",))


@pytest.mark.parametrize("split", [[], [("a", 0.0)]])
def test_trap_8_a_rule_without_usable_distributions_matches(split: list[tuple[str, float]]) -> None:
    """8: a rule without usable distributions matches (reason MATCH) with the default or an empty variant."""
    plain = outcome_of(a_flag(rules=[a_rule("yes", split)]))
    defaulted = outcome_of(a_flag(rules=[a_rule("yes", split)], variants=[a_variant("dflt", default=True)]))
    assert (plain.match, plain.variant_key, plain.reason) == (True, "", MATCH)
    assert (defaulted.match, defaulted.variant_key, defaulted.reason) == (True, "dflt", MATCH)


@pytest.mark.parametrize(("operator", "value"), [("neq", "y"), ("notcontains", "y"), ("isnotoneof", '["y"]')])
@pytest.mark.parametrize("text", [None, ""])
def test_trap_9_negated_operators_are_false_for_an_absent_property(operator: str, value: str, text: str | None) -> None:
    """9: `neq`, `notcontains`, `isnotoneof` are false for an absent or empty property."""
    assert not matches(a_constraint("p", operator, value), text)
    assert matches(a_constraint("p", "empty"), text)
    assert matches(a_constraint("p", "notpresent", type=NUMBER), text)


def test_trap_10_prefix_and_suffix_trim_on_servers_and_nothing_else_does() -> None:
    """10: prefix/suffix trim the context value, eq/contains do not; clients never trim."""
    seen = {
        (operator, dialect): matches(a_constraint("p", operator, "y"), " y ", dialect=dialect)
        for operator in ("prefix", "suffix", "eq")
        for dialect in ("server", "client")
    }
    assert [place for place, held in seen.items() if held] == [("prefix", "server"), ("suffix", "server")]
    assert matches(a_constraint("p", "contains", " y"), " y ")


def test_trap_11_client_numbers_are_32_bit_integers() -> None:
    """11: client numbers are 32-bit integers; `5.0` never equals `5` on clients, always on servers."""
    five = a_constraint("p", "eq", "5", type=NUMBER)
    assert matches(five, "5.0", dialect="server")
    assert not matches(five, "5.0", dialect="client")


def test_trap_12_an_escape_makes_a_list_unusable_on_clients() -> None:
    """12: lists containing escapes work on servers, never on clients; isnotoneof then matches every non-empty value."""
    listed, not_listed = (a_constraint("p", operator, '["\\u003cb\\u003e"]') for operator in ("isoneof", "isnotoneof"))
    assert [matches(listed, "<b>", dialect=dialect) for dialect in ("server", "client")] == [True, False]
    assert [matches(not_listed, "<b>", dialect=dialect) for dialect in ("server", "client")] == [False, True]


def test_trap_16_position_decides_and_rank_is_ignored() -> None:
    """16: `rank` is ignored; position rules."""
    first, second = ({**a_rule("everybody", [(key, 100.0)]), "rank": rank} for key, rank in (("a", 9), ("b", 1)))
    assert outcome_of(a_flag(rules=[first, second])).variant_key == "a"


def test_trap_17_a_variant_without_attachment_is_null_to_clients_and_none_to_users() -> None:
    """17: a variant without attachment has attachment text `null`; treat it as "none" for users."""
    flag = a_flag(rules=[a_rule("everybody", [("a", 100.0)])], variants=[a_variant("a")])
    snapshot = json.loads(client_snapshot(a_document([flag]), 0)[0])
    assert outcome_of(flag).attachment is None
    assert snapshot["flags"][0]["rules"][0]["distributions"][0]["variantAttachment"] == "null"


def test_trap_18_an_attachments_text_is_compact_json_without_html_escapes() -> None:
    """18: attachment byte format differs by version, so compare as JSON; burgee's own bytes are pinned here."""
    flag = a_flag(enabled=False, variants=[a_variant("a", {"z": "<é&\u2028>", "a": [1, 2.5, None]}, default=True)])
    assert outcome_of(flag).attachment == '{"a":[1,2.5,null],"z":"<é&\u2028>"}'


def test_trap_24_a_client_snapshot_writes_zero_values_out() -> None:
    """24: the snapshot needs `name` on flags, `value` on thresholds, `value` on constraints even when empty."""
    blank = a_segment("blank", [a_constraint("p", "empty")])
    nameless = {
        "key": "flag",
        "type": BOOLEAN_FLAG,
        "rollouts": [a_threshold(0, value=False), a_segment_rollout("blank")],
    }
    (flag,) = json.loads(client_snapshot(a_document([nameless], [blank]), 0)[0])["flags"]
    assert (flag["name"], flag["enabled"]) == ("", False)
    assert flag["rollouts"][0]["threshold"] == {"percentage": 0, "value": False}
    assert flag["rollouts"][1]["segment"]["segments"][0]["constraints"][0]["value"] == ""


def test_trap_25_a_client_snapshot_holds_each_segment_whole_and_each_rule_once() -> None:
    """25: a v2 snapshot loses segments of other documents; a v1 snapshot repeats rules and distributions."""
    rule = a_rule(named("yes", "no", every=True), [("a", 60.0), ("b", 40.0)])
    (flag,) = json.loads(client_snapshot(a_document([a_flag(rules=[rule])], [YES, NO]), 0)[0])["flags"]
    (sent,) = flag["rules"]
    assert [segment["key"] for segment in sent["segments"]] == ["yes", "no"]
    assert all(segment["constraints"] for segment in sent["segments"])
    assert [distribution["rollout"] for distribution in sent["distributions"]] == [60, 40]


def test_trap_30_segment_keys_come_in_authored_order_though_flipts_are_random() -> None:
    """30: segment_keys order is random on Flipt; compare as sets. burgee gives the authored order."""
    rule = a_rule(named("yes", "no", "everybody", "yes"))
    assert outcome_of(a_flag(rules=[rule])).segment_keys == ("yes", "everybody")


def test_trap_35_clients_disagree_on_the_reason_of_a_disabled_boolean_flag() -> None:
    """35: Python 1.4.5 reports FLAG_DISABLED for a disabled boolean without rollouts, JS 0.5.1 reports DEFAULT."""
    reasons = {
        name: outcome_of(a_boolean_flag(), profile=name).reason for name in ("C/client", "C+/client", "C/server")
    }
    assert reasons == {"C/client": DEFAULT, "C+/client": FLAG_DISABLED, "C/server": FLAG_DISABLED}


def test_trap_37_date_only_and_fractions_count_on_servers_only() -> None:
    """37: date-only constraint values work on servers, never on clients; sub-second parts are ignored on clients."""
    midnight, later = "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z"
    day = a_constraint("p", "eq", "2024-01-01", type=DATETIME)
    after = a_constraint("p", "gt", midnight, type=DATETIME)
    assert [matches(day, midnight, dialect=dialect) for dialect in ("server", "client")] == [True, False]
    assert [matches(after, later, dialect=dialect) for dialect in ("server", "client")] == [True, False]


@pytest.mark.parametrize("text", [" 5", "5 ", "٥", "-nan", "1e309", "0x10"])
def test_trap_39_what_python_reads_or_might_read_is_not_a_number_of_go(text: str) -> None:
    """39: Python `float()` is not Go's number grammar (white space, Unicode digits, hex floats, overflow)."""
    assert parse_number(text) is None


def test_trap_39_hexadecimal_floats_are_numbers() -> None:
    """39: Python `float()` is not Go's number grammar (hex floats)."""
    assert parse_number("0x1.8p1") == 3


def test_trap_40_a_zero_width_distribution_owns_one_bucket_on_clients() -> None:
    """40: zero-width distributions are dead on servers but own one bucket on clients."""
    split = [("a", 50.0), ("tiny", 0.01), ("c", 49.99)]
    flag = a_flag("d0", rules=[a_rule("everybody", split)])
    assert variant_bucket("d0", "user-1008") == 499
    assert outcome_of(flag, entity="user-1008", profile="S2/server").variant_key == "a"
    assert outcome_of(flag, entity="user-1008", profile="C/server").variant_key == "tiny"


@pytest.mark.parametrize("operator", ["isoneof", "isnotoneof"])
def test_trap_41_a_list_operator_without_value_never_matches(operator: str) -> None:
    """41: leaving out `value` on isoneof/isnotoneof validates but drops the segment in v2; here it never matches."""
    assert not matches(a_constraint("p", operator), "y")


def test_trap_42_hashing_takes_the_bytes_as_given() -> None:
    """42: composed and decomposed accents, case and blanks land in different buckets."""
    spellings = ["é", "e\u0301", "É", " é", "é "]
    assert len({variant_bucket("flag", entity) for entity in spellings}) == len(spellings)


def _in_binary64(split: tuple[int, ...]) -> list[int]:
    total, cumulated, ends = float(sum(split)), 0.0, []
    for weight in split:
        cumulated += weight / total * 100
        ends.append(int(cumulated * 10))
    return [*ends[:-1], 1000]
