"""Sets of numbers are compared, windows fall due when they are over, and one shop's day is its own (INT-9, INT-10)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.completeness import (
    DAY,
    HOUR,
    MONTH,
    Difference,
    Fault,
    Mark,
    Ours,
    RollSource,
    Span,
    closed,
    compare,
    mark,
    next_look,
    pieces,
)
from domain.observations import ChannelStatus
from domain.pulling import Rolled, RollRules
from domain.timing import RollTiming

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SOURCE = RollSource("taobao", "tm", RollRules(86400), RollTiming(), 8 * 3600, pushes=True, pulls=True)
SPAN = Span(HOUR, NOON, NOON + timedelta(hours=1))
MEANINGS = {"PAID": ChannelStatus.PAID, "NEW": ChannelStatus.UNPAID}


def rolled(no: str, minute: float = 5, status: str = "PAID") -> Rolled:
    return Rolled(no, status, NOON + timedelta(minutes=minute))


def ours(no: str, minute: float = 5, **changed: object) -> Ours:
    told = {"booked": True, "pushed": True, "pulled": True, "status": ChannelStatus.PAID} | changed
    return Ours(no, at=NOON + timedelta(minutes=minute), **told)  # type: ignore[arg-type]


def compared(
    theirs: list[Rolled], here: list[Ours], total: int | None = None, kind: str = DAY
) -> tuple[Mark, tuple[Difference, ...]]:
    found = compare(replace(SPAN, kind=kind), theirs, {one.no: one for one in here}, MEANINGS, total)
    return mark(found, SOURCE, healed=False), found.differences


def test_equal_counts_of_other_numbers_are_no_completeness() -> None:
    state, found = compared([rolled("A"), rolled("B")], [ours("A"), ours("C")], 2)
    assert state is Mark.HEALING
    assert [(one.no, one.fault) for one in found] == [("B", Fault.MISSING), ("C", Fault.EXTRA)]


def test_an_hour_in_which_every_way_brought_every_number_is_green_and_healed_when_it_was_not() -> None:
    found = compare(SPAN, [rolled("A")], {"A": ours("A")}, MEANINGS, 1)
    assert mark(found, SOURCE, healed=False) is Mark.GREEN
    assert mark(found, SOURCE, healed=True) is Mark.HEALED


def test_an_hour_that_one_way_alone_brought_is_whole_and_says_so() -> None:
    assert compared([rolled("A")], [ours("A", pushed=False)]) == (Mark.AMBER, ())
    quiet = RollSource("own", "mine", RollRules(86400), RollTiming(), pushes=True)
    assert mark(compare(SPAN, [rolled("A")], {"A": ours("A", pulled=False)}, {}, 1), quiet, healed=False) is Mark.GREEN


def test_what_came_and_could_not_be_booked_is_missing_with_that_reason() -> None:
    _, found = compared([rolled("A")], [Ours("A", booked=False, pushed=True)])
    assert found == (Difference("A", Fault.MISSING, "PAID", "it came and is not booked"),)


def test_a_status_that_we_are_behind_with_is_repaired_and_one_that_we_are_ahead_with_is_none() -> None:
    _, behind = compared([rolled("A")], [ours("A", status=ChannelStatus.UNPAID)])
    assert behind == (Difference("A", Fault.STATUS, "PAID = paid", "unpaid"),)
    _, ahead = compared([rolled("A", status="NEW")], [ours("A", status=ChannelStatus.SHIPPED)])
    assert ahead == ()
    _, unknown = compared([rolled("A", status="WHAT")], [ours("A", status=ChannelStatus.UNPAID)])
    assert unknown == ()
    assert compared([rolled("A")], [ours("A", status=ChannelStatus.UNPAID)], kind=HOUR)[1] == (), "news under way"


def test_a_time_more_than_a_quarter_of_an_hour_off_is_listed() -> None:
    assert compared([rolled("A", 5)], [ours("A", 20)])[1] == ()
    state, (found,) = compared([rolled("A", 5)], [ours("A", 20.1)])
    assert (state, found.fault) == (Mark.AMBER, Fault.TIME)


def test_the_end_of_a_window_belongs_to_the_next_one() -> None:
    at_the_end = Rolled("Z", "PAID", SPAN.end)
    found = compare(SPAN, [rolled("A"), at_the_end], {"A": ours("A")}, MEANINGS, 2)
    assert (found.named, found.total, found.missing) == (1, 1, ())


def test_orders_that_are_counted_and_not_named_are_a_gap() -> None:
    found = compare(SPAN, [rolled("A")], {"A": ours("A")}, MEANINGS, 3)
    assert found.unnamed == 2
    assert mark(found, SOURCE, healed=False) is Mark.HEALING


def test_an_hour_is_due_after_its_delay_and_days_are_the_shops_own() -> None:
    begun = NOON + timedelta(minutes=30)
    assert closed(SOURCE, HOUR, begun, NOON + timedelta(minutes=69)) == []
    assert closed(SOURCE, HOUR, begun, NOON + timedelta(minutes=70)) == [SPAN]
    (day,) = closed(SOURCE, DAY, begun, NOON + timedelta(hours=13))
    assert (day.start.hour, day.end - day.start) == (16, timedelta(days=1))  # midnight in Shanghai


def test_an_hour_of_a_channel_that_is_pulled_seldom_waits_for_its_pull() -> None:
    seldom = replace(SOURCE, pull_seconds=900)
    assert closed(seldom, HOUR, NOON, SPAN.end + timedelta(minutes=22)) == []
    assert closed(seldom, HOUR, NOON, SPAN.end + timedelta(minutes=22.5)) == [SPAN]


def test_a_month_is_compared_day_by_day_when_all_of_it_is_over() -> None:
    days = closed(SOURCE, MONTH, NOON, NOON + timedelta(days=31))
    assert all(span.end - span.start == timedelta(days=1) for span in days)
    assert 1 <= len(days) <= 30
    assert closed(SOURCE, MONTH, NOON, days[-1].end) == []


def test_after_a_long_silence_nothing_older_than_the_reach_is_begun() -> None:
    found = closed(SOURCE, HOUR, NOON - timedelta(days=400), NOON)
    assert NOON - found[0].start <= timedelta(days=40, hours=1)


def test_an_hour_is_looked_at_again_after_a_day_and_a_gap_until_it_is_healed() -> None:
    now, timing = SPAN.end + timedelta(minutes=10), RollTiming()
    assert next_look(SPAN, Mark.GREEN, 1, timing, now) == SPAN.end + timedelta(days=1)
    assert next_look(SPAN, Mark.GREEN, 2, timing, now) is None
    assert next_look(SPAN, Mark.HEALING, 5, timing, now) == now + timedelta(seconds=150)
    assert next_look(SPAN, Mark.RED, 5, timing, now) == now + timedelta(seconds=900)


def test_a_window_by_hand_is_cut_into_pieces_that_the_vendor_takes() -> None:
    source = RollSource("pdd", "p", RollRules(3600), RollTiming())
    assert [(span.end - span.start).seconds for span in pieces(source, NOON, NOON + timedelta(minutes=90))] == [
        3600,
        1800,
    ]
