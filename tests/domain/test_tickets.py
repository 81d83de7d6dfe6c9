"""Tickets: refusals in words, and macros that an order's facts fill (EXC-4)."""

from typing import Any

import pytest

from domain.tickets import (
    LONGEST_WORDS,
    NewTicket,
    TicketChoice,
    TicketDecision,
    TicketKind,
    TicketSource,
    TicketState,
    fill,
    refuse_decision,
    refuse_macro,
    refuse_new,
)


@pytest.mark.parametrize(
    ("words", "actor", "why"),
    [("什么时候发货", "alice", ""), ("  ", "alice", "no words"), ("急", "", "who types it in"),
     ("x" * (LONGEST_WORDS + 1), "alice", "at most")],
)  # fmt: skip
def test_a_ticket_needs_words_and_somebody(words: str, actor: str, why: str) -> None:
    found = refuse_new(NewTicket(TicketKind.REMINDER, TicketSource.WECHAT, words, "k", actor))
    assert why in found
    assert bool(why) is bool(found)


@pytest.mark.parametrize(
    ("choice", "state", "more", "why"),
    [
        ("answer", "new", {"words": "明天"}, ""),
        ("answer", "new", {}, "no words"),
        ("answer", "closed", {"words": "x"}, "open it again first"),
        ("asked", "closed", {"words": "又来了"}, ""),
        ("hand_over", "new", {}, "to whom"),
        ("attach", "new", {}, "to which order"),
        ("reopen", "new", {}, "only a closed one"),
        ("reopen", "closed", {}, ""),
    ],
)
def test_what_makes_no_sense_is_refused(choice: str, state: str, more: dict[str, Any], why: str) -> None:
    found = refuse_decision(TicketDecision(TicketChoice(choice), "alice", **more), TicketState(state))
    assert why in found
    assert bool(why) is bool(found)


def test_a_macro_is_filled_and_what_is_unknown_stays_in_braces() -> None:
    assert fill("订单 {order}：{next}", {"order": "T1", "next": "仓库正在备货"}) == "订单 T1：仓库正在备货"
    assert fill("运单 {waybill}", {"waybill": ""}) == "运单 {waybill}"
    assert refuse_macro("您好 {order}") == ""
    assert "nobody knows {name}; there are {order}" in refuse_macro("{name} 您好")
