"""A channel that nobody wrote code for: its style is a file, its orders are orders like any other's (CFG-4)."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.platforms.common import CommonInbound, CommonShop
from domain.errors import Broken, Forged, Refused, Unparsable
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.shops import Role, Shop
from domain.stock_push import Level
from tests.connectors.worlds import NOW, Stranger, clock, push

STYLE: dict[str, Any] = {
    "zone": "Asia/Shanghai",
    "auth": {"name": "X-Api-Key", "prefix": ""},
    "statuses": {"new": "unpaid", "paid": "paid", "void": "cancelled"},
    "listing": {
        "path": "/orders", "since": "from", "until": "to", "time": "local",
        "rows": "data.items", "total": "data.total", "most": 2,
    },
    "detail": {"path": "/orders/{no}", "row": "data"},
    "order": {
        "no": "id", "status": "state", "changed": "updated", "placed": "created", "paid": "payment.at", "time": "local",
        "shop_discount": "payment.coupon", "freight": "payment.shipping", "total": "payment.total",
        "lines": "items", "buyer": "customer", "remark": "note",
        "line": {
            "no": "line", "sku": "code", "title": "name", "quantity": "qty", "unit": "price", "amount": "sum",
            "item_id": "product",
        },
        "receiver": {
            "name": "to.name", "phone": "to.tel", "province": "to.area[0]", "city": "to.area[1]",
            "district": "to.area[2]", "address": "to.street",
        },
    },
    "ship": {"path": "/orders/{no}/ship", "body": {"by": "{carrier}", "code": "{waybill_no}", "goods": "{lines}"}},
    "stock": {"path": "/stock/{item_id}", "method": "PUT", "body": {"left": "{quantity}", "v": "n{sequence}"}},
    "push": {"signature": "X-Sign", "encoding": "base64", "event": "X-Event", "row": "order"},
}  # fmt: skip


def shop(**changes: Any) -> Shop:
    style = json.dumps(STYLE | changes)
    return Shop(
        "common", "acme", Role.SALES, "Asia/Shanghai", "CNY", "https://api.acme.example/v1/", "us", ("new", "old"), {},
        sealed={"style": style},
    )  # fmt: skip


def order(no: str = "7001", **changes: Any) -> dict[str, Any]:
    return {
        "id": no,
        "state": "paid",
        "created": "2026-11-22 21:00:00",
        "updated": "2026-11-22 21:30:00",
        "payment": {"at": "2026-11-22 21:29:00", "coupon": "5.00", "shipping": 8, "total": "62.80"},
        "items": [
            {"line": 1, "code": "TEE", "name": "短袖", "qty": 2, "price": "19.90", "sum": "39.80", "product": "p1"},
            {"line": 2, "code": "CAP", "name": "帽子", "qty": 1, "price": "20.00", "sum": "20.00"},
        ],
        "to": {"name": "王芳", "tel": "13800138000", "area": ["广东省", "深圳市", "南山区"], "street": "科技园 1 号"},
        "customer": "c9",
        **changes,
    }


def page(*rows: Any, total: int | None = None) -> httpx.Response:
    return httpx.Response(200, json={"data": {"items": list(rows), "total": len(rows) if total is None else total}})


def calls(*answers: httpx.Response | Exception, of: Shop | None = None) -> tuple[CommonShop, Stranger]:
    stranger = Stranger(*answers)
    return CommonShop(of or shop(), stranger.client(), clock), stranger


WINDOW = Window(NOW - timedelta(hours=1), NOW)


async def test_orders_are_read_where_the_style_says_they_stand() -> None:
    """CFG-4: amounts to the fen, times to UTC, ids as texts; the question in the channel's own words."""
    channel, stranger = calls(page(order()))
    read = await channel.pull(WINDOW, "")
    (seen,) = read.observations
    assert isinstance(seen, OrderObserved)
    assert (seen.no, seen.status, seen.raw_status) == ("7001", ChannelStatus.PAID, "paid")
    assert (seen.goods_minor, seen.shop_discount_minor, seen.freight_minor, seen.total_minor) == (5980, 500, 800, 6280)
    assert seen.paid_at == datetime(2026, 11, 22, 13, 29, tzinfo=UTC)
    assert [(one.sku, one.item_id, one.amount_minor) for one in seen.lines] == [
        ("TEE", "p1", 3980),
        ("CAP", "CAP", 2000),
    ]
    assert (seen.contact.province, seen.contact.district) == ("广东省", "南山区")
    asked = stranger.asked[0]
    assert asked.url.path == "/v1/orders"
    assert dict(asked.url.params)["to"] == "2026-11-22 21:30:00"
    assert asked.headers["x-api-key"] == "new"
    assert read.next_cursor == ""


async def test_where_the_channel_counts_the_last_page_is_read_first() -> None:
    """INT-2: rows move while one reads; backwards they are met twice, not missed."""
    channel, stranger = calls(*(page(order(f"{n}"), total=5) for n in range(4)))
    cursors = [""]
    read: list[str] = []
    while len(cursors) < 6:
        got = await channel.pull(WINDOW, cursors[-1])
        read += [one.no for one in got.observations if isinstance(one, OrderObserved)]
        if not got.next_cursor:
            break
        cursors.append(got.next_cursor)
    assert cursors == ["", "3", "2", "1"]
    assert read == ["1", "2", "3"], "the first answer only told how many there are"
    assert [dict(one.url.params)["page"] for one in stranger.asked] == ["1", "3", "2", "1"]


async def test_a_channel_with_cursors_is_followed() -> None:
    listing = STYLE["listing"] | {"next": "data.next", "total": None, "page": "cursor"}
    answer = httpx.Response(200, json={"data": {"items": [order()], "next": "abc"}})
    channel, stranger = calls(answer, page(order("2")), of=shop(listing=listing))
    assert (await channel.pull(WINDOW, "")).next_cursor == "abc"
    assert (await channel.pull(WINDOW, "abc")).next_cursor == ""
    assert "cursor" not in stranger.asked[0].url.params
    assert stranger.asked[1].url.params["cursor"] == "abc"


async def test_a_row_that_cannot_be_read_stops_no_other_and_an_unknown_code_is_kept() -> None:
    channel, _ = calls(page(order("1", payment={}), order("2", state="mystery")))
    bad, unknown = (await channel.pull(WINDOW, "")).observations
    assert isinstance(bad, OrderHinted)
    assert bad.no == "1"
    assert isinstance(unknown, OrderObserved)
    assert (unknown.status, unknown.raw_status) == (ChannelStatus.UNMAPPED, "mystery")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": None}, "status is missing"),
        ({"created": "22.11.2026"}, "placed is not yyyy-MM-dd HH:mm:ss"),
        ({"updated": "0001-01-01 00:00:00"}, "changed is not between the years"),
        ({"payment": {"total": "62.80"}}, "order.total is 6280, but goods - discounts + freight is 5980 - 0 - 0 + 0"),
        ({"payment": {"total": "-1"}}, "total is negative or absurd"),
        ({"payment": {"total": "1e30"}}, "total is negative or absurd"),
        ({"payment": {"total": "NaN"}}, "total is negative or absurd"),
        ({"payment": {"total": "1.005"}}, "parts of a minor unit"),
        ({"payment": {"total": {"a": 1}}}, "neither text nor number"),
        ({"items": []}, "not a list of 1 to"),
        ({"items": "x"}, "not a list of 1 to"),
        ({"id": "x" * 300}, "no is longer than"),
    ],
)
def test_what_is_wrong_with_an_order_is_said_by_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Unparsable) as caught:
        CommonInbound(shop()).parse(push(json.dumps({"order": order(**changes)}).encode()))
    assert words in caught.value.reason
    assert "王芳" not in caught.value.reason


def signed(body: bytes, key: str = "new") -> dict[str, str]:
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return {"x-sign": base64.b64encode(digest).decode(), "x-event": "e1"}


def test_a_push_is_believed_when_its_signature_fits_one_of_two_keys() -> None:
    """INT-14."""
    body = json.dumps({"order": order()}).encode()
    for key in ("new", "old"):
        CommonInbound(shop()).verify(push(body, headers=signed(body, key)))
    assert CommonInbound(shop()).parse(push(body, headers=signed(body))).key == "e1"
    for headers in ({}, signed(body + b" "), signed(body, "third")):
        with pytest.raises(Forged):
            CommonInbound(shop()).verify(push(body, headers=headers))


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"order": 1}', b"\xff\xfe"])
def test_a_body_that_is_none_is_kept_as_unparsable(body: bytes) -> None:
    with pytest.raises(Unparsable):
        CommonInbound(shop()).parse(push(body))


async def test_shipments_and_stock_are_told_in_the_channels_words() -> None:
    channel, stranger = calls(httpx.Response(200), httpx.Response(204), httpx.Response(409, text="no such product"))
    notice = ShipmentNotice("70/01", "SF", "SF123", NOW, (ShippedLine("1", "TEE", 2),), True, "wb:1")
    await channel.write_back(notice)
    level = Level("TEE", "p 1", "", 12, sequence=4)
    assert await channel.push_stock((level,)) == {}
    with pytest.raises(Refused, match="no such product"):
        await channel.push_stock((level,))
    ship, stock = stranger.asked[:2]
    assert (ship.method, ship.url.raw_path) == ("POST", b"/v1/orders/70%2F01/ship")
    goods = [{"no": "1", "sku": "TEE", "quantity": 2}]
    assert json.loads(ship.content) == {"by": "SF", "code": "SF123", "goods": goods}
    assert (stock.method, stock.url.raw_path) == ("PUT", b"/v1/stock/p%201")
    assert json.loads(stock.content) == {"left": 12, "v": "n4"}


async def test_one_order_is_asked_for_and_another_one_is_no_answer() -> None:
    channel, _ = calls(httpx.Response(200, json={"data": order()}), httpx.Response(200, json={"data": order("1")}))
    assert (await channel.read_order("7001"))[0].no == "7001"
    with pytest.raises(Broken, match="another order"):
        await channel.read_order("7001")


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("{", "style: the file"),
        ("{}", "style: statuses: Field required"),
        (json.dumps(STYLE | {"statuses": {"a": "sold"}}), "style: statuses.a"),
        (json.dumps(STYLE | {"detail": {"path": "/x", "row": "a["}}), "is not JMESPath"),
        (json.dumps(STYLE | {"stok": {}}), "style: stok: Extra inputs"),
    ],
)
def test_a_style_that_cannot_be_used_says_where(style: str, words: str) -> None:
    """Bad input: `oms shop add` refuses it with these words."""
    assert words in "; ".join(registry.missing(replace(shop(), sealed={"style": style})))
