"""Raw codes and what they mean: looked up, never guessed (INT-13)."""

from dataclasses import replace

from domain.observations import ChannelStatus, OrderHinted
from domain.status_map import StatusMap, StatusMeaning
from tests.domain.test_orders import observed

MAP = StatusMap(
    3, {"douyin": {"2": StatusMeaning(ChannelStatus.PAID), "105": StatusMeaning(ChannelStatus.PAID, may_ship=False)}}
)
RAW = replace(observed(ChannelStatus.UNMAPPED), channel="douyin", raw_status="105")


def test_a_known_code_gives_its_status_and_says_whether_it_may_ship() -> None:
    resolved = MAP.resolve(RAW)
    assert (resolved.status, resolved.may_ship) == (ChannelStatus.PAID, False)


def test_an_unknown_code_stays_unmapped() -> None:
    assert MAP.resolve(replace(RAW, raw_status="777")).status is ChannelStatus.UNMAPPED


def test_a_status_that_the_channel_names_in_our_words_is_left_alone() -> None:
    told = replace(RAW, status=ChannelStatus.REFUNDED)
    assert MAP.resolve(told) is told


def test_a_hint_is_resolved_too() -> None:
    hint = OrderHinted("douyin", "s", "1", ChannelStatus.UNMAPPED, RAW.vendor_time, "2")
    assert MAP.resolve(hint).status is ChannelStatus.PAID
