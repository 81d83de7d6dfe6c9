"""Bad input of every platform that pushes, at the gateway: said clearly, kept, and no order lost or doubled (issue 9).

Which tests show the rest of the list stands in docs/adding-a-connector.md. No platform but the own shop and
Xiaohongshu signs a time: a repeat of the others is known by its key, however old it is.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.inbound import Push
from domain.observations import OrderHinted, OrderObserved
from domain.shops import Shop
from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from tests.clients.worlds import LIMIT, HandClock, connect, gateway_of, message, rows, signed
from tests.connectors import (
    douyin_answers,
    kuaishou_answers,
    shopee_answers,
    shopify_answers,
    test_common,
    wechatshop_answers,
    xhs_answers,
)
from tests.connectors.worlds import NOW, OWN, push

BEYOND = 2**53 + 1
EIGHT_HOURS = timedelta(hours=8)
ANOTHER_KEY = "YW5vdGhlci1rZXktMTIzNA=="
BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
ENTITY = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@dataclass(frozen=True)
class Pusher:
    """One platform that pushes: a message about one order, and how its platform signs any bytes."""

    shop: Shop
    sign: Callable[[bytes, str], Push]
    """With this secret, or with the shop's own for an empty one."""
    about: Callable[[Any], object]
    """Writes a message about an order of this number."""
    no: str
    unreadable: tuple[object, ...]
    """Genuine messages without a field that is needed, and with an amount or a number that cannot be."""
    unheard: object
    """A message of a kind that nobody knows here; None where there are no kinds."""
    zero: object
    """A message whose times are zero; None where it has none."""
    numeric: bool = False
    """Its platform writes numbers of orders without quotes."""

    def __str__(self) -> str:
        return self.shop.vendor

    def good(self) -> Push:
        return self.sign(raw(self.about(self.no)), "")


def raw(told: object) -> bytes:
    return told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()


def own(body: bytes, secret: str) -> Push:
    event = hashlib.sha256(body).hexdigest()[:16]
    return push(body, headers=signed(body, event, secret=secret or OWN.secrets[0]))


def common(body: bytes, secret: str) -> Push:
    digest = hmac.new((secret or "new").encode(), body, hashlib.sha256).digest()
    event = hashlib.sha256(body).hexdigest()[:16]
    return push(body, headers={"x-sign": base64.b64encode(digest).decode(), "x-event": event})


def _with(told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**told, **changes}.items() if value is not ...}


def _channels() -> Iterator[Pusher]:
    """Give the channels whose messages are whole orders."""
    wrong = (message(no=...), message(total_minor=-1), message(total_minor=2**53), message(total_minor=306.5))
    zero = message(updated_at="0001-01-01T00:00:00Z")
    yield Pusher(OWN, own, lambda no: message(no=no), "D1", (*wrong, message(status="what"), zero), None, None)
    acme = test_common
    wrong_orders = ({"payment": {"total": "-1"}}, {"payment": {"total": "1e30"}}, {"updated": "0001-01-01 00:00:00"})
    yield Pusher(
        acme.shop(), common, lambda no: {"order": acme.order(no)}, "7001",
        tuple({"order": acme.order(**one)} for one in wrong_orders), {"order": acme.order(state="mystery")}, None,
    )  # fmt: skip


def _platforms() -> Iterator[Pusher]:
    """Give the platforms whose messages only hint at an order."""
    dy = douyin_answers
    said = {"p_id": int(dy.NO), "shop_id": 1111111, "order_status": 2, "pay_time": dy.SECOND - 30}
    yield Pusher(
        dy.DOUYIN, lambda body, key: dy.pushed(body, key or dy.SECRET),
        lambda no: [dy.message(data=said | {"p_id": no}, msg_id=f"m{no}")], dy.NO,
        ([dy.message(data=_with(said, p_id=...))], [dy.message(data=said | {"p_id": 1.5})], [dy.message(data="{")]),
        [dy.message("999", msg_id="m999")], [dy.message(data=said | {"pay_time": 0}, msg_id="m0")], numeric=True,
    )  # fmt: skip
    ks = kuaishou_answers
    paid = "kwaishop_order_paySuccess"
    yield Pusher(
        ks.KUAISHOU, lambda body, key: ks.pushed(body, key or ks.MSG_SECRET),
        lambda no: ks.event(paid, {"oid": no}, eventId=f"e{no}"), ks.NO,
        (ks.event(paid, {}, eventId="w1"), ks.event(paid, {"oid": 1.5}, eventId="w2"), ks.event(paid, "{")),
        ks.event("kwaishop_what", {}, eventId="w3"), ks.event(paid, {"oid": 77}, eventId="w4", updateTime=0),
        numeric=True,
    )  # fmt: skip
    xhs, status = xhs_answers, "msg_fulfillment_status_change"
    yield Pusher(
        xhs.XHS, lambda body, key: xhs.pushed(body, key or xhs.SECRET),
        lambda no: [xhs.message(status, {"orderId": no, "orderStatus": 4, "updateTime": xhs.MILLIS})], xhs.NO,
        ([xhs.message(status, {})], [xhs.message(status, {"orderId": 1.5})], [xhs.message(status, "{")]),
        [xhs.message("msg_what", {})], [xhs.message(status, {"orderId": "P0", "updateTime": 0})],
    )  # fmt: skip
    wx = wechatshop_answers
    yield Pusher(
        wx.WECHATSHOP, lambda body, key: wx.pushed(body, token=key or wx.TOKEN),
        lambda no: wx.event(order_info={"order_id": no}), wx.NO,
        (wx.event(x=1), wx.event(order_info={"order_id": 1.5}), wx.event() | {"CreateTime": -1}),
        wx.event("channels_what"), wx.event(order_info={"order_id": 5}) | {"CreateTime": 0}, numeric=True,
    )  # fmt: skip
    se = shopee_answers
    data = {"items": [], "status": "PROCESSED", "update_time": se.SECOND - 5}
    yield Pusher(
        se.SHOPEE, lambda body, key: se.pushed(body, key or se.KEY),
        lambda no: se.message(data={**data, "ordersn": no}), se.NO,
        (se.message(data=data), se.message(data={**data, "ordersn": 1.5}), se.message(code=...)),
        se.message(code=99), se.message(data={**data, "ordersn": "Z0", "update_time": 0}, timestamp=0),
    )  # fmt: skip
    sf = shopify_answers

    def shopify(body: bytes, key: str) -> Push:
        return sf.pushed(body, "orders/paid", key or sf.SECRET, **{"x-shopify-webhook-id": ""})

    yield Pusher(
        sf.SHOPIFY, shopify, lambda no: {"id": no}, sf.NO, ({}, {"id": 1.5}, {"id": -1}), None, None, numeric=True
    )


PUSHERS = [*_channels(), *_platforms()]


@dataclass
class Door:
    """The gateway with one shop behind it."""

    client: httpx.AsyncClient
    pusher: Pusher
    database: Database
    ring: KeyRing

    async def send(self, arrived: Push) -> httpx.Response:
        path = f"/in/{self.pusher.shop.vendor}/{self.pusher.shop.code}"
        return await self.client.post(path, content=arrived.body, headers=dict(arrived.headers), params=arrived.query)

    async def told(self, arrived: Push) -> str:
        """Send a genuine message that nobody can read; give the reason with which it was kept, to the byte."""
        before = len(await rows(self.database, "inbox"))
        answer = await self.send(arrived)
        kept = await rows(self.database, "inbox")
        assert len(kept) == before + 1, (answer.status_code, answer.text)
        assert (kept[-1].state, await Inbox(self.database, self.ring).raw(kept[-1].id)) == ("unparsable", arrived.body)
        assert answer.status_code < 500, "the platform has not to send it again"
        return str(kept[-1].reason)

    async def orders(self) -> list[str]:
        """Which orders were spoken of, each as often as it was."""
        seen = await rows(self.database, "observation")
        return [str(one.subject).rpartition(":")[2] for one in seen]


@pytest.fixture
async def door(request: pytest.FixtureRequest, database: Database, ring: KeyRing) -> Any:
    await connect(database, ring, request.param.shop)
    async with gateway_of(database, ring, HandClock()) as client:
        yield Door(client, request.param, database, ring)


every = pytest.mark.parametrize("door", PUSHERS, ids=str, indirect=True)


@every
async def test_a_wrong_signature_is_refused_and_kept_aside_and_a_replay_is_known(door: Door) -> None:
    pusher = door.pusher
    forged = pusher.sign(raw(pusher.about(pusher.no)), ANOTHER_KEY)
    answer = await door.send(forged)
    assert answer.status_code in (401, 403)
    (aside,) = await rows(door.database, "unverified")
    assert aside.reason
    for _ in range(3):
        assert (await door.send(pusher.good())).is_success
    assert len(await rows(door.database, "inbox")) == 1
    assert await door.orders() == [pusher.no], "neither shadowed by the forged one nor doubled by its repeats"


@every
async def test_a_body_that_is_cut_or_in_another_encoding_or_no_json_is_kept_with_the_reason(door: Door) -> None:
    pusher = door.pusher
    body = raw(pusher.about(pusher.no))
    gbk = body.replace(b"{", '{"店铺":"张三",'.encode("gbk"), 1)
    for bad in (body[:-3], gbk, BOMB, ENTITY, b"[" * 20_000, b"", b"\x00"):
        arrived = pusher.sign(bad, "")
        if str(pusher) == "kuaishou":
            # Without a signature, what does not open into a message of this application is no message of the platform.
            assert (await door.send(arrived)).status_code == 401
        else:
            assert "JSON" in await door.told(arrived)
    assert (await door.send(pusher.good())).is_success
    assert await door.orders() == [pusher.no]


@every
async def test_a_body_that_is_too_large_is_refused_and_nothing_of_it_is_read(door: Door) -> None:
    answer = await door.send(door.pusher.sign(b" " * (LIMIT + 1), ""))
    assert (answer.status_code, str(LIMIT) in answer.text) == (413, True)
    assert await rows(door.database, "unverified") == await rows(door.database, "inbox") == []


@every
async def test_a_message_that_lacks_a_field_or_holds_an_impossible_number_is_kept_with_its_fault(door: Door) -> None:
    pusher = door.pusher
    for told in pusher.unreadable:
        assert await door.told(pusher.sign(raw(told), ""))
    assert (await door.send(pusher.good())).is_success
    assert await door.orders() == [pusher.no]


@every
async def test_an_unknown_kind_and_a_zero_time_are_taken_and_stop_nothing(door: Door) -> None:
    pusher = door.pusher
    strange = [pusher.sign(raw(told), "") for told in (pusher.unheard, pusher.zero) if told is not None]
    for arrived in strange:
        assert (await door.send(arrived)).is_success
        for seen in registry.inbound(pusher.shop).parse(arrived).observations:
            assert isinstance(seen, OrderHinted | OrderObserved)
            assert seen.vendor_time >= NOW - timedelta(days=1), "no order of the year 1"
    assert [one.state for one in await rows(door.database, "inbox")] == ["accepted"] * len(strange)
    assert (await door.send(pusher.good())).is_success
    assert (await door.orders())[-1] == pusher.no


@pytest.mark.parametrize("door", [one for one in PUSHERS if one.numeric], ids=str, indirect=True)
async def test_a_number_beyond_the_floats_stays_exact(door: Door) -> None:
    assert (await door.send(door.pusher.sign(raw(door.pusher.about(BEYOND)), ""))).is_success
    assert await door.orders() == [str(BEYOND)]


@pytest.mark.parametrize(
    ("door", "late"),
    [
        (PUSHERS[0], push(b"{}", headers=signed(b"{}", sent=NOW - EIGHT_HOURS))),
        (
            next(one for one in PUSHERS if str(one) == "xhs"),
            xhs_answers.pushed([], stamp=xhs_answers.MILLIS // 1000 - 8 * 3600),
        ),
    ],
    ids=["own", "xhs"],
    indirect=["door"],
)
async def test_where_a_time_is_signed_a_clock_that_is_eight_hours_off_is_refused_with_the_reason(
    door: Door, late: Push
) -> None:
    assert (await door.send(late)).status_code == 401
    (aside,) = await rows(door.database, "unverified")
    assert "10 minutes" in aside.reason or "0:10:00" in aside.reason


@pytest.mark.parametrize(
    ("door", "off"),
    [
        (
            next(one for one in PUSHERS if str(one) == "wechatshop"),
            wechatshop_answers.pushed(
                wechatshop_answers.event() | {"CreateTime": wechatshop_answers.SECOND + 8 * 3600}
            ),
        ),
        (
            next(one for one in PUSHERS if str(one) == "shopee"),
            shopee_answers.pushed(shopee_answers.message(timestamp=shopee_answers.SECOND + 8 * 3600)),
        ),
        (
            next(one for one in PUSHERS if str(one) == "shopify"),
            shopify_answers.pushed({"id": 1}, **{"x-shopify-triggered-at": "2026-11-22T21:30:00Z"}),
        ),
    ],
    ids=["wechatshop", "shopee", "shopify"],
    indirect=["door"],
)
async def test_where_a_time_is_only_told_the_message_counts_and_the_clock_is_told_of(door: Door, off: Push) -> None:
    """INT-12."""
    assert (await door.send(off)).is_success
    (alert,) = [one for one in await rows(door.database, "alert") if one.kind == "drift"]
    assert "8 h ahead" in alert.words
    assert len(await door.orders()) == 1
