"""Cases of all three simulated channels, from the buyer's wish to the channel's own books (AFT-3, AFT-7; issue 8)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from clients.clock import utc_now
from domain.after_sales import CaseAction, CaseKind, CaseState, ChannelAnswer
from domain.counting import Grade
from domain.observations import ReceivedLine, ReturnConfirmed
from domain.pulling import CASES
from simulator.cases import Kind, SaleCase
from simulator.orders import Act
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.simulator.erp import config, until
from tests.simulator.markets import douyin, taobao
from tests.store.builders import change, rows, stocked, value
from tests.store.case_town import CaseTown

Bought = Callable[..., Awaitable[tuple[CaseTown, list[SaleCase]]]]
CHANNELS = ["taobao", "douyin", "own"]
MARKETS = {"taobao": [taobao(share=1)], "douyin": [douyin(share=1)], "own": []}
DELIVERED = "UPDATE orders SET logistics_status = 'signed', shipped_at = :now, signed_at = :now"


@pytest.fixture
async def bought(database: Database, ring: KeyRing) -> AsyncIterator[Bought]:
    """Give a way to open a town with one case, and end its world."""
    opened: list[CaseTown] = []

    async def begin(vendor: str, kind: Kind, *, pushes: bool = False) -> tuple[CaseTown, list[SaleCase]]:
        opened.append(town_of(database, ring, vendor, pushes=pushes))
        return await applied(opened[-1], kind, pushes=pushes)

    yield begin
    for town in opened:
        await town.world.stop()


def town_of(database: Database, ring: KeyRing, vendor: str, *, pushes: bool) -> CaseTown:
    """Open a town that tells of its cases by lists alone, or by pushes alone, each of them sent two or three times."""
    mischief: dict[str, Any] = {"push_dead": ["douyin"], "case_push_lost_share": 1}
    if pushes:
        mischief = {"duplicate_share": 1}
    wanted = config(count=1, marketplaces=MARKETS[vendor], case_return_after=0, jitter=0, **mischief)
    return CaseTown(database, ring, wanted, vendor)


async def applied(town: CaseTown, kind: Kind, *, pushes: bool) -> tuple[CaseTown, list[SaleCase]]:
    """Let one buyer pay, get the goods unless only the money is wanted back, and apply; both sides know of it."""
    database, ring = town.database, town.ring
    await Shops(database, ring).add(town.row, None, utc_now())
    plan = town.world.plan.orders[0]
    await stocked(database, ring, **{line.sku: 10 for line in plan.basket.lines})
    async with database.transaction() as tx:
        await settings_docs.seed(tx, utc_now())
    order = town.world.shop.admit(plan)
    town.world.shop.change(order, Act("paid", 0), town.began)
    await town.hear(*await town.shop.read_order(plan.no))
    if kind != "refund":
        await change(database, DELIVERED, now=utc_now())
    town.world.cases.apply(order, kind, 0)
    await (town.pushed() if pushes else town.pull(CASES))
    return town, list(town.world.cases.all.values())


@pytest.mark.parametrize("vendor", CHANNELS)
async def test_a_refund_before_shipping_is_agreed_to_and_paid_once(bought: Bought, vendor: str) -> None:
    town, cases = await bought(vendor, "refund")
    assert {step.state for step in await town.look()} == {CaseState.PAYING}
    await town.tell()
    await town.look()
    await assert_paid(town, cases)
    for case in cases:  # after an unknown outcome the same answer goes again
        key = f"case:{case.no}:again"
        told = (case.no, case.order.plan.no, CaseKind.REFUND, CaseAction.AGREE_REFUND, key, "CNY")
        if vendor != "own":
            await town.shop.answer_case(ChannelAnswer(*told, amount_minor=case.minor))
    await assert_paid(town, cases)


@pytest.mark.parametrize("vendor", ["douyin", "own"])
async def test_a_case_of_which_only_pushes_tell_is_paid_once(bought: Bought, vendor: str) -> None:
    town, cases = await bought(vendor, "return", pushes=True)
    assert {step.state for step in await town.look()} == {CaseState.RETURNING}
    await town.tell()
    await until(lambda: cases[0].state == "sent")
    await town.pushed()
    assert {step.state for step in await town.look()} == {CaseState.IN_TRANSIT}
    await town.shop.answer_case(
        ChannelAnswer(
            cases[0].no, cases[0].order.plan.no, CaseKind.RETURN, CaseAction.AGREE_REFUND, "by hand", "CNY",
            cases[0].minor,
        )
    )  # fmt: skip
    await town.pushed()  # somebody paid on the platform's own pages
    await town.look()
    await assert_paid(town, cases)


@pytest.mark.parametrize("vendor", CHANNELS)
async def test_a_return_is_paid_after_its_parcel_has_come(bought: Bought, vendor: str) -> None:
    town, cases = await bought(vendor, "return")
    assert {step.state for step in await town.look()} == {CaseState.RETURNING}
    await town.tell()
    await until(lambda: all(case.state == "sent" for case in cases))
    await town.pull(CASES)
    assert {step.state for step in await town.look()} == {CaseState.IN_TRANSIT}
    for row in await rows(town.database, "SELECT no, waybill_no FROM after_sales_case"):
        lines = await rows(town.database, "SELECT sku, quantity, line_no FROM case_line WHERE case_no = :no", no=row.no)
        came = tuple(ReceivedLine(line.sku, Grade.GOOD, line.quantity, line.line_no) for line in lines)
        await town.hear(ReturnConfirmed(row.no, f"RC-{row.no}", "GZ", utc_now(), came, "SF", row.waybill_no))
    assert {case.paid for case in cases} == {0}, "never before the goods are back"
    assert {step.state for step in await town.look()} == {CaseState.PAYING}
    await town.tell()
    await town.look()
    await assert_paid(town, cases)


@pytest.mark.parametrize("vendor", CHANNELS)
async def test_an_exchange_and_its_parcel_reach_the_channel(bought: Bought, vendor: str) -> None:
    town, cases = await bought(vendor, "exchange")
    assert {step.state for step in await town.look()} == {CaseState.RETURNING}
    await town.tell()
    await until(lambda: all(case.state == "sent" for case in cases))
    case = cases[0]
    told = ("case:1", "CNY", 0, "", "SF", "SF777")
    sent = ChannelAnswer(case.no, case.order.plan.no, CaseKind.EXCHANGE, CaseAction.SHIPPED, *told)
    await town.shop.answer_case(sent)
    assert (case.state, case.paid) == ("done", 0)
    await town.pull(CASES)
    state = "SELECT channel_state FROM after_sales_case WHERE channel_case_no = :no"
    assert await value(town.database, state, no=case.no) == "closed"


@pytest.mark.parametrize("vendor", CHANNELS)
async def test_a_case_that_is_refused_here_is_refused_there_with_our_words(bought: Bought, vendor: str) -> None:
    town, cases = await bought(vendor, "return")
    await change(town.database, "UPDATE after_sales_case SET reason = 'no_reason'")
    await change(town.database, "UPDATE orders SET signed_at = signed_at - interval '8 days'")  # the policy refuses
    assert {(step.state, step.outcome) for step in await town.look()} == {(CaseState.CLOSED, "refused")}
    words = await value(town.database, "SELECT max(verdict_words) FROM after_sales_case")
    await town.tell()
    assert {(case.state, case.refusal) for case in cases} == {("refused", words)}


async def assert_paid(town: CaseTown, cases: list[SaleCase]) -> None:
    """Both books say the same, once."""
    order = cases[0].order
    assert {(case.state, case.paid) for case in cases} == {("paid", 1)}
    assert sum(case.minor for case in cases) == order.refunded_minor == order.paid_minor
    outcomes = await rows(town.database, "SELECT DISTINCT state, outcome FROM after_sales_case")
    assert [(row.state, row.outcome) for row in outcomes] == [("closed", "paid")]
    assert await value(town.database, "SELECT refunded_minor FROM orders") == order.refunded_minor
    written = town.world.cases.written()
    assert {one["paid"] for one in written.values()} == {1}
