"""Hints of an own shop and the question that follows one (docs/own-shop-api.md)."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors.platforms.own import OwnInbound, OwnShop
from domain.errors import Broken, OmsError, Refused, Unavailable, Unparsable
from domain.observations import ChannelStatus, OrderHinted, OrderObserved
from tests.connectors.test_own import arriving, order
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

SHOP = replace(OWN, params={"orders_url": "http://shop.example/orders/"})
NO = "D2611220001"


def hint(**changes: Any) -> dict[str, Any]:
    base = {"no": NO, "status": "paid", "updated_at": "2026-11-22T21:30:00.120+08:00", **changes}
    return {name: value for name, value in base.items() if value is not ...}


def told(content: object, shop: Any = SHOP) -> str:
    with pytest.raises(Unparsable) as caught:
        OwnInbound(shop).parse(arriving(json.dumps(content).encode()))
    return caught.value.reason


@pytest.mark.parametrize("status", ["unpaid", "paid", "cancelled", "refunded"])
def test_a_hint_is_read(status: str) -> None:
    genuine = OwnInbound(SHOP).parse(arriving(json.dumps({"hint": hint(status=status)}).encode()))
    assert (genuine.key, genuine.sent_at) == ("evt-1", NOW)
    seen = OrderHinted("own", "mall", NO, ChannelStatus(status), NOW + timedelta(milliseconds=120))
    assert genuine.observations == (seen,)


def test_a_hint_may_say_that_only_words_changed() -> None:
    """INT-5."""
    (seen,) = OwnInbound(SHOP).parse(arriving(json.dumps({"hint": hint(edit=True)}).encode())).observations
    assert isinstance(seen, OrderHinted)
    assert seen.edit


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"no": ...}, "hint.no is missing"),
        ({"no": ""}, "hint.no is empty"),
        ({"no": "a b"}, "hint.no has characters"),
        ({"no": "9" * 65}, "hint.no is longer than 64"),
        ({"status": "shipped"}, "hint.status is none of 'unpaid', 'deposit', 'paid', 'cancelled' or 'refunded'"),
        ({"status": None}, "hint.status is none of"),
        ({"updated_at": ...}, "hint.updated_at is missing"),
        ({"updated_at": "2026-11-22T21:30:00"}, "hint.updated_at is not ISO 8601 with an offset"),
        ({"updated_at": 1763818200}, "hint.updated_at is not a text"),
    ],
)
def test_a_bad_hint_is_told_with_its_field(changes: dict[str, Any], words: str) -> None:
    assert words in told({"hint": hint(**changes)})


def test_a_message_holds_an_order_or_a_hint() -> None:
    assert told({"hint": "x"}).startswith("hint is not an object")
    assert told({"hint": None}).startswith("order is missing")
    assert told({"hint": hint(), "order": order()}) == "order and hint are both given: send one of them"


def test_a_shop_that_cannot_be_asked_cannot_hint() -> None:
    assert told({"hint": hint()}, OWN).startswith("hints need orders_url")
    assert OwnInbound(OWN).parse(arriving(json.dumps({"order": order()}).encode())).observations


async def ask(stranger: Stranger, no: str = NO) -> tuple[OrderObserved, bytes]:
    return await OwnShop(SHOP, stranger.client(), clock).read_order(no)


async def test_the_question_is_signed_and_the_answer_kept_as_received() -> None:
    body = json.dumps({"order": order(), "later": 1}, indent=3).encode() + b"\r\n"
    stranger = Stranger(httpx.Response(200, content=body))
    seen, raw = await ask(stranger)
    request = stranger.asked[0]
    assert (request.method, str(request.url), request.content) == ("GET", f"http://shop.example/orders/{NO}", b"")
    assert request.headers["x-steadfast-event"] == f"read:{NO}"
    OwnInbound(SHOP).verify(push(b"", headers=request.headers))
    assert raw == body
    assert (seen,) == OwnInbound(SHOP).parse(arriving(body)).observations


async def test_a_number_that_no_path_and_no_header_can_hold_is_asked_for_all_the_same() -> None:
    no = "单/1?x=%2F"
    stranger = Stranger(httpx.Response(200, json={"order": order(no=no)}))
    seen, _ = await ask(stranger, no)
    request = stranger.asked[0]
    assert seen.no == no
    assert request.url.raw_path == b"/orders/%E5%8D%95%2F1%3Fx%3D%252F"
    assert request.headers["x-steadfast-event"] == f"read:{hashlib.sha256(no.encode()).hexdigest()}"
    OwnInbound(SHOP).verify(push(b"", headers=request.headers))


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(404, json={"error": "no such order"}), Refused, "refused (http-404): no such order"),
        (httpx.Response(404, text="<html>"), Refused, "the shop gave no reason"),
        (httpx.Response(401, json={"error": "key"}), Refused, "http-401"),
        (httpx.Response(429, headers={"retry-after": "5"}), Unavailable, f"HTTP 429 about read:{NO}"),
        (httpx.Response(503), Unavailable, "HTTP 503"),
        (httpx.ReadTimeout("x"), Unavailable, "in time"),
        (httpx.Response(302), Broken, f"HTTP 302 about read:{NO}"),
        (httpx.Response(200, text="<html>"), Broken, "not JSON"),
        (httpx.Response(200, json={"hint": hint()}), Broken, "order is missing"),
        (httpx.Response(200, json={"order": order(no="D2")}), Broken, f"another order than {NO}"),
        (httpx.Response(200, json={"order": order(total_minor=1)}), Broken, "order.total_minor is 1"),
    ],
)
async def test_every_answer_has_one_of_three_words(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await ask(Stranger(answer))
    assert words in str(caught.value)


async def test_a_shop_without_orders_url_cannot_be_asked() -> None:
    with pytest.raises(Broken, match="has no orders_url"):
        await OwnShop(OWN, Stranger(httpx.Response(200)).client(), clock).read_order(NO)
