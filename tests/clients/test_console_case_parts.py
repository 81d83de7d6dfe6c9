"""A case's page in each of its states, drawn without a browser: what it waits for, and its money (AFT-3, AFT-5)."""

import re
from datetime import timedelta

import pytest

from clients.console.pages import case_parts as parts
from domain.after_sales import CaseKind, CaseState, Choice, Origin
from domain.payments import RefundState
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.reads.case_page import CasePage, CasePages
from tests.store.builders import key
from tests.store.case_world import CaseWorld, case_world

REASONS = {"damaged": "收到时已破损", "size": "尺码或颜色不合适"}


@pytest.fixture
async def world(database: Database, cli_ring: KeyRing) -> CaseWorld:
    return await case_world(database, cli_ring)


async def drawn(world: CaseWorld, no: str) -> str:
    """Draw every part; give the words without their tags."""
    page = await CasePages(world.database, world.ring).page(no)
    assert page is not None
    return re.sub(r"<[^>]+>", "", _all(page, world))


def _all(page: CasePage, world: CaseWorld) -> str:
    return (
        parts.first(page, world.now)
        + parts.arithmetic(page)
        + parts.verdict(page, REASONS)
        + parts.goods(page)
        + parts.photos(page, True, True)
        + parts.story(page, REASONS)
    )


async def test_a_return_says_at_every_step_who_acts_and_what_comes_next(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN, reason="size")
    await world.look(no)
    told = await drawn(world, no)
    assert "等买家寄回商品" in told
    assert "由买家处理" in told
    assert "到时：自动结束，不退款" in told
    assert "预计退款（以实收为准）¥10.00" in told
    assert "申请售后 退货退款 买家申请 尺码或颜色不合适" in told
    await world.decide(no, Choice.WAYBILL, actor="buyer", waybill_no="SF99")
    await world.look(no)
    assert "等退货送到仓库" in await drawn(world, no)
    await world.came_back("", good=1, waybill_no="SF99")
    await world.look(no)
    told = await drawn(world, no)
    assert "等打款" in told
    assert "核准：¥10.00 · 规则" in told
    await world.drain()
    await world.look(no)
    told = await drawn(world, no)
    assert "已结束：已退款" in told
    assert "流水号 " in told


async def test_a_failed_payout_is_the_first_thing_that_is_said(world: CaseWorld) -> None:
    await world.paid_order(A=1)
    world.provider.says = RefundState.CLOSED
    no = await world.open(CaseKind.REFUND, reason="changed_mind")
    await world.look(no)
    await SqlOrderFacts(world.database, world.ring).close(key(), "cancelled", world.now)
    await world.look(no)
    await world.drain()
    await world.look(no)
    assert (await drawn(world, no)).startswith("打款失败：")


async def test_an_exchange_speaks_of_goods_and_an_overdue_review_is_loud(world: CaseWorld) -> None:
    await world.delivered_order(A=1, B=1)
    no = await world.open(CaseKind.EXCHANGE, reason="damaged")
    await world.look(no)
    assert "这类售后不退款，寄出商品。" in await drawn(world, no)
    late = await world.open(CaseKind.REFUND, reason="other", request_key="r2", origin=Origin.AGENT, units={"2": 1})
    assert (await world.look(late)).state is CaseState.REVIEW
    world.now += timedelta(days=3)
    page = await CasePages(world.database, world.ring).page(late)
    assert page is not None
    assert 'class="card first bad"' in parts.first(page, world.now)
