"""Which difference of a count is believed (INV-10), when an inbound shipment lacks something (INV-13), what is slow."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.approvals import ApprovalState, Verdict, refuse_verdict
from domain.counting import LineVerdict, Look, accuracy_percent, believable, judge
from domain.inbound import LATE, NO_CUSTOMS_NO, NO_OWNER, Inbound, Stage, lacks, refuse_move
from domain.turnover import Pace, Turnover

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LOSS = Look(10, 7)
CASES = [
    ("equal at once", Look(10, 10), None, LineVerdict.AGREES),
    ("one look is not enough", LOSS, None, LineVerdict.UNSETTLED),
    ("the same loss twice", LOSS, LOSS, LineVerdict.DIFFERS),
    ("gone at the second look", LOSS, Look(10, 10), LineVerdict.AGREES),
    ("another loss at the second look", LOSS, Look(10, 8), LineVerdict.UNSETTLED),
    ("confirmations may be under way", LOSS, Look(10, 7, allocated=3), LineVerdict.UNSETTLED),
    ("what is promised is locked there as well", LOSS, Look(10, 7, allocated=3, locked=3), LineVerdict.DIFFERS),
    ("a surplus that is expected", Look(10, 15), Look(10, 15, expected=5), LineVerdict.UNSETTLED),
    ("more than is expected", Look(10, 16), Look(10, 16, expected=5), LineVerdict.DIFFERS),
    ("it moved meanwhile", LOSS, Look(10, 7, moved=True), LineVerdict.UNSETTLED),
]


@pytest.mark.parametrize(("first", "second", "verdict"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_difference_is_believed_when_nothing_under_way_explains_it(
    first: Look, second: Look | None, verdict: LineVerdict
) -> None:
    found, reason = judge(first, second)
    assert found is verdict
    assert bool(reason) is (verdict is LineVerdict.UNSETTLED)


def test_accuracy_is_the_share_of_skus_that_agree() -> None:
    assert accuracy_percent(992, 8) == pytest.approx(99.2)
    assert accuracy_percent(0, 0) == 100.0


@pytest.mark.parametrize(("agreed", "differing", "trusted"), [(1, 1, True), (9, 1, True), (8, 2, False), (0, 9, True)])
def test_a_count_that_finds_too_much_wrong_is_not_trusted(agreed: int, differing: int, trusted: bool) -> None:
    assert believable(agreed, differing) is trusted


@pytest.mark.parametrize(
    ("verdict", "state", "reason"),
    [
        (Verdict("", True), ApprovalState.OPEN, "who decides"),
        (Verdict("Alice", True), ApprovalState.OPEN, "a second person"),
        (Verdict("bob", False), ApprovalState.OPEN, "needs a reason"),
        (Verdict("bob", True), ApprovalState.WITHDRAWN, "withdrawn already"),
    ],
)
def test_a_verdict_that_does_not_count_is_refused(verdict: Verdict, state: ApprovalState, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        refuse_verdict(verdict, "alice", state)


def shipment(stage: Stage, owner: str = "li", customs_no: str = "", overseas: bool = True) -> Inbound:
    return Inbound("RK1", stage, NOON, owner, customs_no, overseas)


@pytest.mark.parametrize(
    ("one", "hours", "kinds"),
    [
        (shipment(Stage.CUSTOMS), 0, [NO_CUSTOMS_NO]),
        (shipment(Stage.SHIPPED), 0, []),
        (shipment(Stage.CUSTOMS, customs_no="5301"), 0, []),
        (shipment(Stage.ARRIVED, overseas=False), 0, []),
        (shipment(Stage.PRODUCED, owner=""), 0, [NO_OWNER]),
        (shipment(Stage.CUSTOMS, owner=""), 25, [NO_OWNER, NO_CUSTOMS_NO, LATE]),
        (shipment(Stage.SHIPPED), 24, []),
        (shipment(Stage.RECEIVED, owner=""), 99, []),
    ],
)
def test_what_a_shipment_lacks_is_said(one: Inbound, hours: int, kinds: list[str]) -> None:
    assert [lack.kind for lack in lacks(one, 86400, NOON + timedelta(hours=hours))] == kinds


@pytest.mark.parametrize(
    ("now_at", "to", "overseas"),
    [
        (Stage.ARRIVED, Stage.SHIPPED, True),
        (Stage.SHIPPED, Stage.CUSTOMS, False),
        (Stage.ARRIVED, Stage.RECEIVED, True),
        (Stage.RECEIVED, Stage.ARRIVED, True),
    ],
)
def test_a_stage_that_cannot_come_next_is_refused(now_at: Stage, to: Stage, overseas: bool) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        refuse_move(now_at, to, overseas)


@pytest.mark.parametrize(
    ("on_hand", "sold_30", "days", "pace"),
    [
        (100, 300, 10, Pace.STEADY),
        (60, 300, 6, Pace.FAST),
        (0, 300, 0, Pace.FAST),
        (100, 4, 750, Pace.SLOW),
        (100, 0, None, Pace.SLOW),
        (0, 2, 0, Pace.EMPTY),
    ],
)
def test_the_pace_of_a_sku_is_named(on_hand: int, sold_30: int, days: int | None, pace: Pace) -> None:
    one = Turnover("A", "", on_hand, 0, sold_30)
    assert (one.stock_days, one.pace(5, 7)) == (days, pace)
