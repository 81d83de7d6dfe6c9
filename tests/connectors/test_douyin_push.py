"""What the Douyin shop platform pushes: every message of an order is a hint (design: full or hint, INT-14)."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.inbound import Genuine, Outcome
from connectors.platforms.douyin_push import TAGS, DouyinInbound
from domain.errors import Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from domain.shops import Shop
from domain.tickets import TicketObserved, TicketSource
from tests.connectors.douyin_answers import DOUYIN, NO, OLD_SECRET, SECOND, message, pushed
from tests.connectors.worlds import NOW

S = ChannelStatus
WITH_SHOP_ID = replace(DOUYIN, params={"shop_id": "1111111"})
REFUND = {"p_id": int(NO), "s_id": int(NO) + 1, "shop_id": 1111111, "aftersale_id": 7, "refund_amount": 100}


def read(messages: Sequence[object] | bytes, shop: Shop = DOUYIN) -> Genuine:
    arrived = pushed(messages)
    receiver = DouyinInbound(shop)
    receiver.verify(arrived)
    return receiver.parse(arrived)


def hint(status: ChannelStatus, raw: str = "2", no: str = NO, seconds: float = 0) -> OrderHinted:
    return OrderHinted("douyin", "dy1", no, status, NOW + timedelta(seconds=seconds), raw)


def told(messages: Sequence[object] | bytes, shop: Shop = DOUYIN) -> str:
    with pytest.raises(Unparsable) as caught:
        read(messages, shop)
    return caught.value.reason


def test_a_message_is_a_hint_at_its_moment_of_receiving() -> None:
    genuine = read([message("101")])
    assert (genuine.key, genuine.sent_at) == ("7312345678901234567", None)
    assert genuine.observations == (hint(S.PAID),)


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ("100", S.UNPAID),
        ("101", S.PAID),
        ("102", S.SHIPPED),
        ("103", S.COMPLETED),
        ("106", S.CANCELLED),
        ("108", S.PAID),
        ("110", S.PAID),
        *((tag, S.UNMAPPED) for tag in ("104", "105", "109", "111", "113")),
        *((str(tag), S.UNMAPPED) for tag in range(200, 209)),
    ],
)
def test_every_tag_of_an_order_or_a_refund_leads_to_a_question(tag: str, status: ChannelStatus) -> None:
    edit = tag == "113"  # a memo: it goes last (INT-5)
    assert read([message(tag)]).observations == (replace(hint(status), edit=edit),)
    assert TAGS[tag] is status


def test_the_list_of_tags_is_complete() -> None:
    assert len(TAGS) == 12 + 9 + 7


def test_an_arbitration_asks_for_the_case_and_is_a_ticket_about_it() -> None:
    """EXC-4: somebody has to answer on the platform; each message is one line of one ticket."""
    _, asked, seen = read([message("212", data=json.dumps(REFUND))]).observations
    assert isinstance(asked, CaseHinted)
    assert isinstance(seen, TicketObserved)
    assert (seen.thread, seen.message_id) == ("arbitration:7", "arbitration:7312345678901234567")
    assert (seen.case_no, seen.order_no, seen.source) == ("7", NO, TicketSource.CHANNEL)
    assert seen.words == f"平台介入：售后单 7，订单 {NO}，消息 212"
    _, again = read([message("218")]).observations
    assert isinstance(again, TicketObserved)
    assert (again.thread, again.case_no) == (f"arbitration:{NO}", "")


def test_the_key_before_is_accepted_while_keys_rotate() -> None:
    DouyinInbound(DOUYIN).verify(pushed([message()], secret=OLD_SECRET))


def test_a_refund_is_newer_than_everything_booked_although_the_order_did_not_move() -> None:
    # The order moved last at 21:29:40, and its update time stays there: only our own clock says that this is news.
    told = {**REFUND, "order_status": 3, "update_time": SECOND - 3600, "aftersale_status": 12}
    seen, case = read([message("206", told)]).observations
    assert seen == hint(S.UNMAPPED, "3")
    assert case == CaseHinted("douyin", "dy1", "7", NO, NOW, "12")


def test_the_paid_of_an_order_that_was_held_back_is_newer_than_its_payment() -> None:
    (seen,) = read([message("101", {"p_id": NO, "pay_time": SECOND - 7200})]).observations
    assert seen == hint(S.PAID, "")


@pytest.mark.parametrize(
    ("update_time", "seconds"),
    [(SECOND + 5, 5), (SECOND + 601, 0), (10**30, 0), (-1, 0), ("2026-11-22T21:30:05+08:00", 0), (None, 0), ([], 0)],
)
def test_their_clock_counts_when_ours_is_a_little_behind(update_time: object, seconds: float) -> None:
    seen, _ = read([message("206", {**REFUND, "update_time": update_time})]).observations
    assert seen == hint(S.UNMAPPED, "", seconds=seconds)


def test_the_probe_is_accepted_and_says_nothing() -> None:
    genuine = read([{"tag": "0", "msg_id": "0", "data": "2026-11-22 21:30:00"}])
    assert (genuine.key, genuine.observations) == ("0", ())
    assert read(b'[{"tag":0,"msg_id":null,"data":null}]').observations == ()


@pytest.mark.parametrize("tag", ["400", "126", "211", "999", "new"])
def test_an_unknown_tag_is_accepted_and_kept(tag: str) -> None:
    genuine = read([message(tag, "anything"), message("102", msg_id="2")])
    assert genuine.observations == (hint(S.SHIPPED),)
    assert genuine.key == "7312345678901234567,2"


def test_a_batch_holds_a_hint_per_message_in_their_order() -> None:
    batch = [message("100", {"p_id": n}, msg_id=str(n)) for n in (3, 1, 2)]
    genuine = read(batch)
    assert genuine.key == "3,1,2"
    assert genuine.observations == tuple(hint(S.UNPAID, "", no=str(n)) for n in (3, 1, 2))


@pytest.mark.parametrize("no", [2**53 + 1, 2**63 + 3, 9_999_999_999_999_999_999_999])
def test_a_number_beyond_every_float_is_exact(no: int) -> None:
    (one,) = read([message(data={"p_id": no, "order_status": 2})]).observations
    (same,) = read([message(data={"p_id": str(no), "order_status": "2"})]).observations
    assert one == same == hint(S.PAID, no=str(no))


def test_the_same_message_has_the_same_key_and_others_have_others() -> None:
    several = [
        [message(msg_id="1"), message(msg_id="2")],
        [message(msg_id="1,2")],
        [message(msg_id="12")],
        [message(msg_id="")],
        [message("102", msg_id="")],
        [message(msg_id="9" * 64), message(msg_id="8" * 64), message(msg_id="7" * 64), message(msg_id="6" * 64)],
        [message(msg_id="9" * 64), message(msg_id="8" * 64), message(msg_id="7" * 64), message(msg_id="5" * 64)],
    ]
    keys = [read(messages).key for messages in several]
    assert keys == [read(messages).key for messages in several]
    assert len(set(keys)) == len(several)
    assert max(len(key) for key in keys) <= 200
    spaced = json.dumps([message(msg_id="1")], indent=2).encode()
    assert read(spaced).key == read([message(msg_id="1")]).key


def test_a_message_of_another_shop_is_refused_where_the_own_number_is_known() -> None:
    assert read([message()], WITH_SHOP_ID).observations == (hint(S.PAID),)
    assert read([message(data={"p_id": NO})], WITH_SHOP_ID).observations
    other = message(data={"p_id": NO, "shop_id": 2222222})
    assert read([other], DOUYIN).observations
    assert told([message(), other], WITH_SHOP_ID) == (
        "[1].data.shop_id is not the shop_id of this shop: push it to its own address"
    )


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        (b"", "not JSON"),
        (b"[", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "is not a list"),
        (b"[]", "has fewer than 1 entries"),
        (b"[7]", "[0] is not an object"),
        (b"[{}]", "[0].tag is missing"),
        ([message(tag="")], "[0].tag is empty"),
        ([message()] * 501, "has more than 500 entries"),
        (b" " * (1024 * 1024 + 1), "larger than 1048576 bytes"),
        ([message(data="")], "[0].data: the body is not JSON"),
        ([message(data="{")], "[0].data: the body is not JSON"),
        ([message(), message(data="[]")], "[1].data: "),
        ([message(data={})], "[0].data: p_id is missing"),
        ([message(data={"p_id": 4.78e18})], "[0].data: p_id has characters or a form"),
        ([message(data={"p_id": "a b"})], "[0].data: p_id has characters or a form"),
        ([message(data={"p_id": "9" * 65})], "[0].data: p_id has characters or a form"),
        ([message(data={"p_id": None})], "[0].data: p_id is missing"),
        ([message(data={"p_id": 1, "order_status": "李小明"})], "[0].data: order_status has characters"),
        (b'[{"tag":"101","data":{"p_id":1}}]', "[0].data is not a text"),
    ],
)
def test_a_bad_push_is_refused_with_its_place(messages: Any, words: str) -> None:
    reason = told(messages)
    assert words in reason
    assert "李小明" not in reason


@pytest.mark.parametrize(
    ("outcome", "reason", "status", "said"),
    [
        (Outcome.ACCEPTED, "", 200, {"code": 0, "msg": "success"}),
        (Outcome.DUPLICATE, "", 200, {"code": 0, "msg": "success"}),
        (Outcome.FORGED, "原因", 401, {"code": 40041, "message": "原因"}),
        (Outcome.UNPARSABLE, "原因", 200, {"code": 40041, "message": "原因"}),
    ],
)
def test_answers_are_in_their_words(outcome: Outcome, reason: str, status: int, said: dict[str, Any]) -> None:
    answer = DouyinInbound(DOUYIN).answer(outcome, reason, NOW)
    assert (answer.status, json.loads(answer.body)) == (status, said)
    assert answer.content_type == "application/json"
