"""Answers of polled platforms with anything in any of their fields: read, or told in our words (issue 9, bad input)."""

import copy
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.outbound import SalesChannel
from domain.errors import OmsError
from domain.observations import OrderObserved
from domain.pulling import Window
from domain.shops import Shop
from tests.connectors import jd_answers, kuaishou_answers, test_jd, xhs_answers
from tests.connectors.test_any_input import JSON
from tests.connectors.worlds import NOW, Stranger

WINDOW = Window(NOW - timedelta(minutes=20), NOW)
Ask = Callable[[SalesChannel], Awaitable[Any]]


@dataclass(frozen=True)
class Question:
    """One question to one shop, with the answers that it gets in turn."""

    name: str
    shop: Shop
    ask: Ask
    answers: tuple[httpx.Response, ...]

    def __str__(self) -> str:
        return f"{self.shop.vendor}-{self.name}"


def _questions() -> Iterator[Question]:
    jd, ks, xhs = jd_answers, kuaishou_answers, xhs_answers
    for shop, no, detail, listed in (
        (jd.JD, jd.NO, jd.detail(), jd.listed(1, jd.order())),
        (ks.KUAISHOU, ks.NO, ks.says(ks.order()), ks.listed("nomore", ks.order())),
        (xhs.XHS, xhs.NO, xhs.says(xhs.order()), xhs.listed(1, xhs.order())),
    ):
        yield Question("order", shop, lambda one, no=no: one.read_order(no), (detail,))  # type: ignore[misc]
        yield Question("list", shop, lambda one: one.pull(WINDOW, ""), (listed,))
    yield Question("refund", jd.JD, lambda one: one.read_case("R77"), (test_jd.refund(3), jd.detail()))
    bill = (test_jd.bills(test_jd.bill(10010)), test_jd.paid_back("12.00"))
    yield Question("bill", jd.JD, lambda one: one.read_case("S88"), bill)
    yield Question("case", ks.KUAISHOU, lambda one: one.read_case("88"), (ks.says(ks.case()),))
    cases = ks.says({"pcursor": "nomore", "refundOrderInfoList": [ks.case()]})
    yield Question("cases", ks.KUAISHOU, lambda one: one.pull_cases(WINDOW, ""), (cases,))
    yield Question("case", xhs.XHS, lambda one: one.read_case("R88"), (xhs.case(4, 1, 2),))


def places(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Name every place in an answer."""
    yield path
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for name, one in inner:
        yield from places(one, (*path, name))


def changed(told: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Put something else into one place."""
    if not path:
        return value
    whole = copy.deepcopy(told)
    inside = whole
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return whole


ODD = JSON | st.sampled_from(["", "0", "-1", "1e9", "12.345", 2**63, -1, 0, 10**30, "0001-01-01 00:00:00", "\x00"])


@pytest.mark.parametrize("question", list(_questions()), ids=str)
@given(data=st.data())
async def test_anything_in_any_field_is_read_or_told_in_our_words(question: Question, data: st.DataObject) -> None:
    told = [json.loads(answer.content) for answer in question.answers]
    which = data.draw(st.integers(0, len(told) - 1))
    path = data.draw(st.sampled_from(list(places(told[which]))))
    told[which] = changed(told[which], path, data.draw(ODD))
    stranger = Stranger(*(httpx.Response(200, content=json.dumps(one).encode()) for one in told))
    channel = registry.sales_channel(question.shop, stranger.client(), lambda: NOW)
    with suppress(OmsError):
        seen = await question.ask(channel)
        order = seen[0] if isinstance(seen, tuple) else None
        if isinstance(order, OrderObserved):
            discounts = order.shop_discount_minor + order.platform_discount_minor
            assert order.total_minor == sum(line.amount_minor for line in order.lines) - discounts + order.freight_minor
            assert 0 <= order.refunded_minor <= order.paid_minor <= order.total_minor
