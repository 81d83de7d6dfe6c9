"""What buyers say to the own shop, as docs/own-shop-api.md promises it (EXC-4)."""

import json
from typing import Any

import pytest

from connectors.platforms.own import OwnInbound
from domain.errors import Unparsable
from domain.tickets import TicketKind, TicketObserved, TicketSource
from tests.connectors.test_own import arriving
from tests.connectors.worlds import OWN

TOLD = {
    "ticket_no": "TK1",
    "said_at": "2026-11-22T21:29:00+08:00",
    "words": "收到的衣服破了一个洞\n请尽快处理",
}


def read(**changes: Any) -> TicketObserved:
    body = json.dumps({"ticket": TOLD | changes}, ensure_ascii=False).encode()
    arrived = arriving(body)
    OwnInbound(OWN).verify(arrived)
    (seen,) = OwnInbound(OWN).parse(arrived).observations
    assert isinstance(seen, TicketObserved)
    return seen


def test_one_message_is_read_with_what_was_left_out_filled() -> None:
    seen = read()
    assert (seen.thread, seen.message_id) == ("ticket:TK1", "ticket:TK1:1")
    assert (seen.source, seen.ticket_kind, seen.order_no) == (TicketSource.SHOP, TicketKind.COMPLAINT, "")
    more = read(message_no="2", kind="reminder", order_no="D1", case_no="AS1", contact="138", photos=["https://a/1"])
    assert (more.thread, more.message_id) == ("ticket:TK1", "ticket:TK1:2")
    assert (more.ticket_kind, more.order_no, more.case_no) == (TicketKind.REMINDER, "D1", "AS1")
    assert (more.contact, more.photos) == ("138", ("https://a/1",))
    assert "破" not in repr(more)
    assert "138" not in repr(more)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ticket_no": ""}, "ticket.ticket_no is empty"),
        ({"ticket_no": "a b"}, "ticket.ticket_no has characters"),
        ({"words": ""}, "ticket.words is empty"),
        ({"words": " \n "}, "ticket.words has characters or a form"),
        ({"words": "a\x00b"}, "ticket.words has characters"),
        ({"words": "啊" * 4001}, "ticket.words is longer than 4000 characters"),
        ({"kind": "praise"}, "ticket.kind is not accepted"),
        ({"said_at": "2026-11-22T21:29:00"}, "ticket.said_at is not ISO 8601 with an offset"),
        ({"photos": ["javascript:alert(1)"]}, r"ticket.photos\[0\] has characters or a form"),
        ({"photos": ["https://a/1"] * 10}, "ticket.photos has more than 9 entries"),
        ({"contact": 138}, "ticket.contact is not a text"),
    ],
)
def test_what_is_wrong_is_named_and_never_quoted(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unparsable, match=reason):
        read(**changes)


def test_a_ticket_beside_an_order_is_refused() -> None:
    body = json.dumps({"ticket": TOLD, "hint": {"no": "D1", "status": "paid", "updated_at": TOLD["said_at"]}}).encode()
    with pytest.raises(Unparsable, match="hint and ticket are both given"):
        OwnInbound(OWN).parse(arriving(body))
