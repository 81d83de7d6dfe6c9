"""Lines of a red letter: read as finance copies them, their tax exact to the fen, every fault named (FIN-7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoices import RedLine, red_lines, refuse_part

CODE = "1040201000000000000"


def test_lines_are_read_as_they_stand_on_the_blue_invoice() -> None:
    found = red_lines(f"\n2 纯棉 短袖 2 138.00 13% {CODE}\n 11 运费 1 6 6 ％ {CODE}\n")
    assert found == (RedLine(2, "纯棉 短袖", 2, 13800, 1300, CODE), RedLine(11, "运费", 1, 600, 600, CODE))
    assert [(one.untaxed_minor, one.tax_minor) for one in found] == [(12212, 1588), (566, 34)]
    assert refuse_part(found, 14400) == ""
    assert "come to 144.00, but 1.00" in refuse_part(found, 100)


@given(st.integers(1, 10**9), st.sampled_from([0, 100, 300, 500, 600, 900, 1300]))
def test_the_tax_is_the_rate_of_the_rest_to_the_nearest_fen(amount: int, rate: int) -> None:
    line = RedLine(1, "x", 1, amount, rate, CODE)
    assert line.untaxed_minor + line.tax_minor == amount
    assert abs(line.untaxed_minor * rate - line.tax_minor * 10_000) <= 5_000 + rate / 2


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("短袖 1 69.00 13%", "is no line"),
        (f"1 短袖 1 69.001 13% {CODE}", "is no line"),
        (f"0 短袖 1 69 13% {CODE}", "begin at 1, 1 and 0.01"),
        (f"1 短袖 0 69 13% {CODE}", "begin at 1, 1 and 0.01"),
        (f"1 短袖 1 0 13% {CODE}", "begin at 1, 1 and 0.01"),
        ("1 短袖 1 69 13% 104", "it has 19 digits"),
        (f"1 短袖 1 69 13% {CODE}\n1 帽子 1 9 13% {CODE}", "line 1 of the blue invoice stands there twice"),
        ("\n".join(f"{n} x 1 1 0% {CODE}" for n in range(1, 102)), "101 lines; at most 100"),
    ],
)
def test_every_fault_is_named(words: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        red_lines(words)
