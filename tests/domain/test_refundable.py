"""What may be paid back, exact to the fen, whatever the cut and the order of partial refunds (AFT-3)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain.refundable
from domain.refundable import Bill, Part, PricedLine, carried_out, refundable, shares

LINES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**7)), min_size=1, max_size=5)
MONEY = st.integers(0, 10**8)


def bill_of(lines: list[tuple[int, int]], paid: int, freight: int) -> Bill:
    priced = tuple(PricedLine(f"{n}", units, amount) for n, (units, amount) in enumerate(lines, 1))
    return Bill(paid, freight, priced)


def granted(bill: Bill, line_no: str, units: int, *, freight: bool) -> tuple[Bill, int]:
    """Grant units of a line as a case does; gives the bill after it, and the amount."""
    found = refundable(bill, {line_no: units}, with_freight=freight)
    amount = found.amount_minor
    back = sum(part.amount_minor for part in found.parts if not part.line_no)
    lines = tuple(
        replace(one, granted_units=one.granted_units + units) if one.line_no == line_no else one for one in bill.lines
    )
    after = replace(bill, lines=lines, granted_minor=bill.granted_minor + amount)
    return replace(after, granted_freight_minor=after.granted_freight_minor + back), amount


@given(LINES, MONEY, MONEY)
def test_the_shares_of_the_lines_and_the_freight_add_up_to_what_was_paid(
    lines: list[tuple[int, int]], paid: int, freight: int
) -> None:
    bill = bill_of(lines, paid, freight)
    share = shares(bill)
    assert sum(share.values()) + min(freight, paid) == paid
    assert all(one >= 0 for one in share.values())


@given(LINES, MONEY, MONEY, st.data())
def test_any_cut_and_any_order_of_partial_refunds_end_at_the_same_sum(
    lines: list[tuple[int, int]], paid: int, freight: int, data: st.DataObject
) -> None:
    whole = bill_of(lines, paid, freight)
    units = [one.line_no for one in whole.lines for _ in range(one.quantity)]
    shuffled = data.draw(st.permutations(units))
    with_freight = data.draw(st.integers(0, len(shuffled) - 1))
    bill, back = whole, 0
    for n, line_no in enumerate(shuffled):
        bill, amount = granted(bill, line_no, 1, freight=n == with_freight)
        assert amount >= 0
        back += amount
        assert back <= paid, "never above what was paid"
    assert back == paid
    at_once = refundable(whole, {one.line_no: one.quantity for one in whole.lines}, with_freight=True)
    assert at_once.amount_minor == paid


@given(LINES, MONEY, st.data())
def test_a_line_refunded_in_pieces_costs_what_it_costs_at_once(
    lines: list[tuple[int, int]], paid: int, data: st.DataObject
) -> None:
    whole = bill_of(lines, paid, 0)
    line = data.draw(st.sampled_from(whole.lines))
    bill, back, left = whole, 0, line.quantity
    while left:
        units = data.draw(st.integers(1, left))
        bill, amount = granted(bill, line.line_no, units, freight=False)
        back, left = back + amount, left - units
    assert back == refundable(whole, {line.line_no: line.quantity}, with_freight=False).amount_minor


@given(LINES, MONEY, MONEY)
def test_what_was_granted_for_no_goods_leaves_less(lines: list[tuple[int, int]], paid: int, before: int) -> None:
    bill = replace(bill_of(lines, paid, 0), granted_minor=min(before, paid))
    all_of_it = {one.line_no: one.quantity for one in bill.lines}
    assert refundable(bill, all_of_it, with_freight=True).amount_minor <= paid - min(before, paid)


def test_units_that_were_granted_are_not_granted_again() -> None:
    bill = Bill(1000, 0, (PricedLine("1", 2, 1000, granted_units=1),), granted_minor=500)
    assert refundable(bill, {"1": 1}, with_freight=False).amount_minor == 500
    with pytest.raises(ValueError, match="1 of 2 are left"):
        refundable(bill, {"1": 2}, with_freight=False)
    with pytest.raises(ValueError, match="no line 9"):
        refundable(bill, {"9": 1}, with_freight=False)


@pytest.mark.parametrize(
    ("unexplained", "asked", "done"),
    [(0, [5], 0), (5, [5], 5), (4, [5], 0), (7, [5, 2, 1], 7), (6, [5, 2, 1], 6), (-3, [5], 0), (9, [], 0)],
)
def test_what_an_order_has_back_without_a_word_is_what_the_channel_was_asked_for(
    unexplained: int, asked: list[int], done: int
) -> None:
    assert carried_out(unexplained, asked) == done


def test_a_share_that_is_rounded_unit_by_unit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The properties are no formality: rounding each unit for itself loses a fen."""

    def per_unit(line: PricedLine, units: int, share: int) -> Part:
        return Part(line.line_no, units, share // line.quantity * units)

    monkeypatch.setattr(domain.refundable, "_of_line", per_unit)
    with pytest.raises(AssertionError):
        test_any_cut_and_any_order_of_partial_refunds_end_at_the_same_sum()
