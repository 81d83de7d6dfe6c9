"""Taobao's messages (TMC): taken from a group, read as hints, confirmed once they are stored (INT-1, INT-8)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.platforms import taobao_queue
from connectors.platforms.taobao_queue import EDITS, TOPICS, TaobaoQueue, read_message
from domain.errors import (
    BadInput,
    Broken,
    OmsError,
    RateLimited,
    Refused,
    TokenRejected,
    Unavailable,
    Unparsable,
)
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from domain.shops import Shop
from tests.connectors.taobao_answers import TID, asked, error, says
from tests.connectors.worlds import NOW, TAOBAO, Stranger, clock

SELLER = "2206612345678"
SHOP: Shop = replace(TAOBAO, params={"tmc_group": "default", "seller_id": SELLER})
AT = datetime(2026, 11, 22, 13, 28, 20, tzinfo=UTC)
PERMITTED = says("tmc_user_permit_response", {"is_success": True})
CONFIRMED = says("tmc_messages_confirm_response", {"is_success": True})
PERSONAL = "李小明 13812345678"
REFUND_ID = "184290012345678901"


def message(topic: Any = "taobao_trade_TradeBuyerPay", content: Any = None, **changes: Any) -> dict[str, Any]:
    """A message as the platform gives it; `...` takes a field out."""
    told = content or {"tid": int(TID), "status": "WAIT_SELLER_SEND_GOODS", "buyer_nick": PERSONAL}
    text = told if isinstance(told, str) else json.dumps(told)
    said = {
        "id": 9007199254740995, "topic": topic, "content": text,
        "user_id": int(SELLER), "user_nick": "旗舰店", "pub_time": "2026-11-22 21:28:20", "pub_app_key": "12345678",
    } | changes  # fmt: skip
    return {name: value for name, value in said.items() if value is not ...}


def waiting(*messages: Any) -> httpx.Response:
    return says("tmc_messages_consume_response", {"messages": {"tmc_message": list(messages)}} if messages else {})


def queue(stranger: Stranger, shop: Shop = SHOP) -> TaobaoQueue:
    return TaobaoQueue(shop, stranger.client(), clock)


def read(said: Any) -> Any:
    taken = read_message(said, SHOP, NOW)
    assert taken is not None
    return taken


async def test_the_shop_is_permitted_then_a_message_is_taken_as_a_hint_and_confirmed_once_stored() -> None:
    stranger = Stranger(PERMITTED, waiting(message()), CONFIRMED)
    ours = queue(stranger)
    taken = await ours.take(5)
    (one,) = taken
    assert one.observations == (OrderHinted("taobao", "flagship", TID, ChannelStatus.PAID, AT),)
    assert (one.receipt, one.key, one.reason, one.tell) == ("9007199254740995", "tmc:9007199254740995", "", None)
    assert json.loads(one.raw) == message()
    assert len(stranger.asked) == 2, "nothing is confirmed before it is stored"
    await ours.confirm(taken)
    permit, consume, confirm = (asked(stranger, n) for n in range(3))
    assert (permit["method"], permit["topics"].split(",")) == ("taobao.tmc.user.permit", list(TOPICS))
    assert (consume["method"], consume["group_name"]) == ("taobao.tmc.messages.consume", "default")
    assert 10 <= int(consume["quantity"]) <= 200
    assert (confirm["method"], confirm["s_message_ids"]) == ("taobao.tmc.messages.confirm", "9007199254740995")
    assert {one["session"] for one in (permit, consume, confirm)} == {"session-1"}


async def test_a_message_that_comes_again_has_the_same_key_and_another_has_another() -> None:
    first, again, other = (read(message(id=number)).key for number in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_topic_hints_at_its_trade_and_those_of_refunds_at_the_refund_too(topic: str) -> None:
    one = read(message(topic, {"tid": TID, "refund_id": int(REFUND_ID), "refund_fee": "9.90"}))
    hint = OrderHinted("taobao", "flagship", TID, TOPICS[topic], AT, edit=topic in EDITS)
    case = CaseHinted("taobao", "flagship", REFUND_ID, TID, AT)
    assert one.observations == ((hint, case) if "_refund_" in topic else (hint,))


def test_a_refund_without_its_trade_is_asked_for_by_its_own_number() -> None:
    one = read(message("taobao_refund_RefundSuccess", {"refund_id": REFUND_ID}))
    assert one.observations == (CaseHinted("taobao", "flagship", REFUND_ID, "", AT),)


def test_the_time_of_a_message_is_local_and_one_that_cannot_be_read_is_that_of_taking_it() -> None:
    assert (read(message()).observations[0].vendor_time, read(message()).sent_at) == (AT, AT)
    for bad in ("yesterday", "0000-00-00 00:00:00", ...):
        one = read(message(pub_time=bad))
        assert (one.observations[0].vendor_time, one.sent_at, one.reason) == (NOW, None, "")


@pytest.mark.parametrize("topic", ["taobao_item_ItemUpdate", "taobao_item_ItemStockChanged"])
def test_what_is_said_of_items_is_kept_and_says_nothing(topic: str) -> None:
    one = read(message(topic, {"num_iid": 1}))
    assert (one.observations, one.reason, one.tell) == ((), "", None)


def test_a_topic_that_nobody_knows_is_kept_and_somebody_is_told() -> None:
    one = read(message("taobao_trade_TradeTeleported"))
    assert (one.observations, one.reason) == ((), "")
    assert one.tell[0] == "taobao_trade_TradeTeleported"
    assert "nobody here knows this topic" in one.tell[1]


def test_an_authorisation_that_the_seller_took_back_is_told() -> None:
    one = read(message("taobao_top_AuthCancel", "{}"))
    assert (one.observations, one.reason) == ((), "")
    assert "oms shop token" in one.tell[1]


async def test_messages_of_other_shops_in_the_group_are_left_to_them() -> None:
    stranger = Stranger(
        PERMITTED, waiting(message(user_id=7, id=1), message(id=2), message(user_id=7, topic=..., id=3))
    )
    assert [one.receipt for one in await queue(stranger).take(0)] == ["2"]


BAD = [
    ("{", "is not an object", ""),
    ([], "is not an object", ""),
    (None, "", ""),
    (message(id=...), "id is missing", ""),
    (message(id="x" * 300), "id is longer", ""),
    (message(user_id=...), "user_id is missing", "9007199254740995"),
    (message(topic=...), "topic is missing", "9007199254740995"),
    (message(topic={"a": 1}), "topic is not a text", "9007199254740995"),
    (message(content="{"), "content: the body is not JSON", "9007199254740995"),
    (message(content='{"tid":210581'), "content: the body is not JSON", "9007199254740995"),
    (message(content="[" * 50_000), "content: the body is not JSON", "9007199254740995"),
    ({**message(), "content": ""}, "content: the body is not JSON", "9007199254740995"),
    (message(content={"oid": 1}), "content: tid is missing", "9007199254740995"),
    (message(content={"tid": PERSONAL}), "content: tid has characters", "9007199254740995"),
    (message(content={"tid": -1.5}), "content: tid has characters", "9007199254740995"),
    (message("taobao_refund_RefundCreated", {"tid": TID}), "content: refund_id is missing", "9007199254740995"),
]


@pytest.mark.parametrize(("said", "words", "receipt"), BAD)
async def test_a_bad_message_is_kept_with_its_reason_and_does_not_stop_the_others(
    said: Any, words: str, receipt: str
) -> None:
    bad, good = await queue(Stranger(PERMITTED, waiting(said, message(id=5)))).take(0)
    assert bad.reason
    assert words in bad.reason
    assert (bad.receipt, bad.observations, bool(bad.raw)) == (receipt, (), True)
    assert (good.receipt, len(good.observations)) == ("5", 1)
    assert "李小明" not in bad.reason
    assert "138" not in bad.reason


async def test_one_without_a_number_cannot_be_confirmed_and_keeps_its_key() -> None:
    stranger = Stranger(PERMITTED, waiting(message(id=...)), waiting(message(id=...)))
    ours = queue(stranger)
    first, again = await ours.take(0), await ours.take(0)
    assert first[0].key == again[0].key
    await ours.confirm(first)
    assert len(stranger.asked) == 3, "nothing was confirmed"


async def test_nothing_waits_for_a_while_and_then_something_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taobao_queue, "POLL_SECONDS", 0.001)
    stranger = Stranger(
        PERMITTED, waiting(), says("tmc_messages_consume_response", {"messages": None}), waiting(message())
    )
    ours = queue(stranger)
    assert len(await ours.take(5)) == 1
    assert len(stranger.asked) == 4, "permitted once, asked three times"
    assert await queue(Stranger(PERMITTED, waiting())).take(0.01) == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (error(7, "accesscontrol.limited-by-api-access-count", "last for 3 more seconds"), RateLimited, "3 more"),
        (error(27, "session-expired"), TokenRejected, "27"),
        (error(25, "isv.invalid-signature"), Broken, "25"),
        (error(15, "isp.remote-service-timeout"), Unavailable, "isp"),
        (error(15, "isv.group-not-exist", "no such group"), Refused, "no such group"),
        (httpx.Response(503), Unavailable, "503"),
        (httpx.Response(200, content=b'{"tmc_messages_consume_resp'), Broken, "not its format"),
        (httpx.Response(200, content=b"<html>"), Broken, "not its format"),
        (
            says("tmc_messages_consume_response", {"messages": {"tmc_message": "x"}}),
            Broken,
            "tmc_message is not a list",
        ),
        (waiting(*[message()] * 201), Broken, "more than 200"),
    ],
)
async def test_a_queue_that_does_not_answer_says_why(answer: httpx.Response, kind: type[OmsError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        await queue(Stranger(PERMITTED, answer)).take(0)
    assert "session-1" not in str(caught.value)


async def test_a_shop_that_is_not_permitted_says_so_and_is_asked_for_again() -> None:
    said = [
        error(15, "isv.topic-not-subscribed", "应用没有订阅"),
        says("tmc_user_permit_response", {"is_success": False}),
    ]
    ours = queue(Stranger(*said, PERMITTED, waiting(message())))
    for words in ("应用没有订阅", "subscribe its topics there"):
        with pytest.raises(Refused, match=words):
            await ours.take(0)
    assert len(await ours.take(0)) == 1


async def test_only_the_topics_that_were_chosen_are_asked_for() -> None:
    stranger = Stranger(PERMITTED, waiting())
    await queue(stranger, replace(SHOP, params={**SHOP.params, "tmc_topics": "taobao_trade_TradeBuyerPay"})).take(0)
    assert asked(stranger)["topics"] == "taobao_trade_TradeBuyerPay"


async def test_many_are_confirmed_in_parts_and_what_is_not_taken_back_comes_again() -> None:
    taken = [read(message(id=number)) for number in range(1, 402)]
    stranger = Stranger(CONFIRMED)
    await queue(stranger).confirm(taken)
    assert [len(asked(stranger, n)["s_message_ids"].split(",")) for n in range(3)] == [200, 200, 1]
    with pytest.raises(Unavailable, match="they come again"):
        await queue(Stranger(says("tmc_messages_confirm_response", {"is_success": False}))).confirm(taken[:1])
    await queue(Stranger(says("tmc_messages_confirm_response", {"is_success": None}))).confirm(taken[:1])


async def test_a_shop_has_a_queue_once_its_group_and_its_number_are_there() -> None:
    assert [registry.has_queue(shop) for shop in (TAOBAO, SHOP)] == [False, True]
    assert [registry.hears("taobao", shop.params) for shop in (TAOBAO, SHOP)] == [False, True]
    assert not registry.pushes("taobao"), "a way beside the pull, which goes on at its pace"
    assert isinstance(registry.message_queue(SHOP, httpx.AsyncClient(), clock), TaobaoQueue)
    half = replace(SHOP, params={"tmc_group": "default"})
    assert registry.missing(SHOP) == registry.missing(TAOBAO) == []
    assert registry.missing(half)[0].startswith("seller_id: needed with tmc_group")
    with pytest.raises(Broken, match="has no seller_id"):
        await queue(Stranger(PERMITTED, waiting(message())), half).take(0)


def test_a_kept_message_is_read_once_more_after_the_mend() -> None:
    bad = read({**message(), "content": "{"})
    with pytest.raises(Unparsable, match="content: the body is not JSON"):
        registry.read_kept(SHOP, bad.raw, NOW)
    with pytest.raises(Unparsable, match="about another shop"):
        registry.read_kept(replace(SHOP, params={**SHOP.params, "seller_id": "7"}), bad.raw, NOW)
    good = read(message())
    assert registry.read_kept(SHOP, good.raw, NOW) == good
    with pytest.raises(BadInput, match="messages of jd are not read a second time"):
        registry.read_kept(replace(SHOP, vendor="jd"), b"{}", NOW)


NAMES = st.sampled_from([*message(), "tid", "refund_id", "messages", "tmc_message"])
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([*TOPICS, TID, SELLER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, ANY, max_size=4), ANY.map(json.dumps))
def test_any_message_is_a_hint_of_ours_left_alone_or_has_a_reason(changes: dict[str, Any], content: str) -> None:
    said = json.loads(json.dumps({**message(content=content), **changes}))
    taken = read_message(said, SHOP, NOW)
    assert taken is None or taken.key
    seen = [one for one in taken.observations if isinstance(one, OrderHinted | CaseHinted)] if taken else []
    assert all(one.shop == "flagship" for one in seen)


@given(ANY)
async def test_any_answer_of_the_queue_is_read_or_has_our_words(said: Any) -> None:
    try:
        await queue(Stranger(PERMITTED, says("tmc_messages_consume_response", said))).take(0)
    except OmsError:
        return
