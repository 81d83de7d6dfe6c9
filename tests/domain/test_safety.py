"""Safety stock (INV-5): what a channel does not see, and what a file of it may say."""

import pytest

from domain.safety import SafetyRow, difference, faults_of, kept_back, wanted

SAFETY = {("A", ""): 20, ("A", "douyin"): 5, ("B", "own"): 7, ("C", "douyin"): 0, ("C", ""): 9}


@pytest.mark.parametrize(
    ("sku", "channel", "units"),
    [
        ("A", "taobao", 20),
        ("A", "douyin", 5),
        ("A", "own", 0),
        ("B", "own", 7),
        ("B", "taobao", 0),
        ("C", "douyin", 0),
    ],
)
def test_a_channels_own_row_counts_else_the_common_one_which_core_channels_do_not_have(
    sku: str, channel: str, units: int
) -> None:
    assert kept_back(SAFETY, sku, channel, ("own",)) == units


def test_a_file_tells_every_fault_with_its_line() -> None:
    rows = [
        SafetyRow(2, "A", "", "10"),
        SafetyRow(3, "Z", "douyin", "1"),
        SafetyRow(4, "A", "10", "douyin"),
        SafetyRow(5, "A", "own", "-1"),
        SafetyRow(6, "A", "", "²"),
    ]
    assert faults_of(rows, {"A"}, {"own", "douyin"}) == [
        "line 3: no SKU 'Z' is counted here",
        "line 4: no channel '10'; known are douyin, own; units 'douyin' are no number from 0 to 10,000,000",
        "line 5: units '-1' are no number from 0 to 10,000,000",
        "line 6: units '²' are no number from 0 to 10,000,000; the same SKU and channel stand in line 2 already",
    ]
    assert faults_of(rows[:1], {"A"}, set()) == []


def test_the_difference_names_what_is_new_changed_and_gone_and_nothing_else() -> None:
    rows = [
        SafetyRow(2, "A", "", "20"),
        SafetyRow(3, "A", "douyin", "6"),
        SafetyRow(4, "B", "own", ""),
        SafetyRow(5, "B", "", ""),
        SafetyRow(6, "D", "", "3"),
    ]
    assert difference(SAFETY, wanted(rows)) == ["~ A douyin: 5 -> 6", "- B own: 7", "+ D (not core): 3"]
