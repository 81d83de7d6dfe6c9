"""Every platform whose orders are pulled, with a window of two pages in its words, for tests that ask them all."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from connectors import registry
from connectors.outbound import OrderRoll, SalesChannel
from domain.shops import Shop
from tests.connectors import (
    amazon_answers,
    douyin_answers,
    jd_answers,
    kuaishou_answers,
    pdd_answers,
    shopee_answers,
    shopify_answers,
    taobao_answers,
    test_common,
    wechatshop_answers,
    xhs_answers,
)
from tests.connectors.worlds import TAOBAO, Stranger, clock

MORE_THAN_A_PAGE = 101
Answers = tuple[httpx.Response, ...]


@dataclass(frozen=True)
class Lister:
    """One shop, what it answers to the questions of one window in turn, and what it says of a dead token."""

    shop: Shop
    numbers: tuple[str, str]
    answers: tuple[httpx.Response, ...]
    dead: httpx.Response
    failure: httpx.Response
    """HTTP 200, and an error inside that nobody knows."""
    per_page: int = 1
    """How many answers make a page."""

    def __str__(self) -> str:
        return self.shop.vendor

    def channel(self, stranger: Stranger) -> SalesChannel:
        """Give our side, speaking to a scripted platform."""
        return registry.sales_channel(self.shop, stranger.client(), clock)

    def roll(self, stranger: Stranger) -> OrderRoll:
        """Give our side, asking for the orders of an hour."""
        return registry.order_roll(self.shop, stranger.client(), clock)


def _counted() -> Iterator[Lister]:
    """Give those that say how many there are: the first answer is only counted, the last page is read first."""
    taobao, both = taobao_answers, ("2105811697799953286", "2105811697799953287")
    rows = [{"tid_str": no, "tid": int(no), "status": "X", "modified": "2026-11-22 21:01:03"} for no in both]

    def sold(row: object, **more: object) -> httpx.Response:
        return taobao.says("trades_sold_increment_get_response", {"trades": {"trade": [row]}, **more})

    told: Answers = (
        sold(rows[0], total_results=MORE_THAN_A_PAGE),
        sold(rows[1], has_next=False),
        sold(rows[0], has_next=True),
    )
    yield Lister(TAOBAO, both, told, taobao.error(27), taobao.error(999, "isv.unheard-of"))
    dy = douyin_answers
    first, second = dy.order(), dy.order(order_id="2", sku_order_list=[dy.child("2", parent_order_id="2")])
    told = tuple(dy.listed(MORE_THAN_A_PAGE, row) for row in (first, second, first))
    dead = dy.says(None, 40003, sub_code="isv.access-token-expired")
    yield Lister(dy.DOUYIN, (dy.NO, "2"), told, dead, dy.says(None, 99999, sub_code="isv.unheard-of"))
    pdd = pdd_answers
    told = tuple(pdd.changes(MORE_THAN_A_PAGE, row) for row in (pdd.order(), pdd.order(order_sn="2"), pdd.order()))
    yield Lister(pdd.PDD, (pdd.NO, "2"), told, pdd.fails(10019), pdd.fails(987654))
    jd = jd_answers
    told = tuple(jd.listed(MORE_THAN_A_PAGE, row) for row in (jd.order(), jd.order(orderId="2"), jd.order()))
    yield Lister(jd.JD, (jd.NO, "2"), told, jd.error("19", "access_token已过期"), jd.error("987654"))
    xhs = xhs_answers
    told = tuple(xhs.listed(MORE_THAN_A_PAGE, row) for row in (xhs.order(), xhs.order(orderId="P2"), xhs.order()))
    yield Lister(xhs.XHS, (xhs.NO, "P2"), told, xhs.says(None, -1, "accessToken 已过期"), xhs.says(None, -987))
    acme = test_common
    told = tuple(acme.page(row, total=3) for row in (acme.order(), acme.order("7002"), acme.order()))
    # It has no token that is renewed.
    yield Lister(acme.shop(), ("7001", "7002"), told, httpx.Response(503), httpx.Response(200, json={"code": 987}))


def _followed() -> Iterator[Lister]:
    """Give those whose pages are followed by a cursor of theirs."""
    ks = kuaishou_answers
    told: Answers = (ks.listed("c1", ks.order()), ks.listed("nomore", ks.order(oid=3)))
    yield Lister(ks.KUAISHOU, (ks.NO, "3"), told, ks.says(None, 28, "access_token已过期"), ks.says(None, 987))
    wx = wechatshop_answers
    told = (wx.says(order_id_list=[wx.NO], next_key="k1", has_more=True), wx.says(order_id_list=["2"], has_more=False))
    yield Lister(wx.WECHATSHOP, (wx.NO, "2"), told, wx.says(42001), wx.says(987654))
    sf = shopify_answers
    told = (sf.listed(sf.order(), cursor="c1"), sf.listed(sf.order(legacyResourceId="2")))
    yield Lister(sf.SHOPIFY, (sf.NO, "2"), told, httpx.Response(401, json={"errors": "[API] token"}), sf.wrong("WHAT"))
    am = amazon_answers
    told = (am.listed(am.order(), token="t1"), am.listed(am.order(orderId="2")))
    dead = am.wrong(403, "Unauthorized", "Access is denied.", "The access token you provided has expired.")
    yield Lister(am.AMAZON, (am.NO, "2"), told, dead, am.wrong(200, "WHAT"))
    se = shopee_answers
    pages = [
        (se.listed(se.NO, cursor="50"), se.details(se.order())),
        (se.listed("2"), se.details(se.order(order_sn="2"))),
    ]
    told = tuple(answer for page in pages for answer in page)
    yield Lister(
        se.SHOPEE,
        (se.NO, "2"),
        told,
        se.says(error="invalid_acceess_token"),
        se.says(error="error_unheard"),
        per_page=2,
    )


LISTERS = [*_counted(), *_followed()]


def again(answer: httpx.Response) -> httpx.Response:
    """Give an answer anew: one that was read is read."""
    return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)
