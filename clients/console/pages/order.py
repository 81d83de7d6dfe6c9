"""/orders/{key}: what it waits for, since when, until when, what comes next, what you can do; then the rest."""

from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui
from starlette.requests import Request

from clients.console.engine import Engine
from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import Child, body, empty, link, tag
from clients.console.lists import zone_of
from clients.console.pages import order_parts as parts
from clients.console.pages.exception_form import ExceptionForm
from clients.console.pages.order_acts import OrderActs
from clients.console.pages.order_cases import OrderCases
from clients.console.pages.order_first import TEXTS as FIRST_TEXTS
from clients.console.pages.order_first import Viewer, first
from clients.console.pages.order_link import BuyerLink
from clients.console.pages.order_stock import stock_story
from clients.deciding import Decisions
from clients.settings import ClientSettings
from domain.errors import Unavailable
from domain.orders import workflow_id
from domain.permissions import Action
from store.opening import Opening, Receiver
from store.reads.order_page import OrderPage, OrderPages
from store.reads.stock_ledger import StockLedgerReads
from store.replay import By

TEXTS = {
    "missing": "没有这张订单：{key}",
    "missing_next": "请核对订单键，或用上面的搜索。",
    "reveal": "查看完整信息（会记录）",
    "revealed": "已显示收件人信息，并记入审计。",
    "orders": "订单",
}
PROGRESS_SECONDS = 3.0
CASE_SECONDS = 5.0


@dataclass(slots=True)
class Progress:
    """What the engine said of the workflow last; nobody waits for it."""

    runs: bool | None = None
    trying: str = ""


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/orders/{key:path}")
    async def order(request: Request, key: str) -> None:
        await _draw(desk, request, key)


async def _draw(desk: Desk, request: Request, key: str) -> None:
    frame = framed(desk, request, key.split(":", 2)[-1], "/orders")
    decisions = Decisions(desk.database, desk.ring, desk.engine.client, desk.clock, ClientSettings().profile)
    acts, pages = OrderActs(frame, key, decisions), OrderPages(desk.database)
    opening = Opening(desk.database, desk.ring)
    ledger, shown = StockLedgerReads(desk.database), dict[str, Receiver]()
    progress, zone, buyer = Progress(), zone_of(request), BuyerLink(desk, frame, key)
    after_sales, wrong = OrderCases(frame, key), ExceptionForm(frame, key)

    async def read() -> Markup:
        page = await pages.page(key)
        if page is None:
            return body(empty(TEXTS["missing"].format(key=key), TEXTS["missing_next"]))
        acts.runs = progress.runs
        receiver = shown.get(key) or await opening.contact(key)
        button = None if key in shown else _reveal(frame)
        left = _left(page, await after_sales.part(page), stock_story(page, await ledger.of_order(key)))
        left.append(await wrong.part())
        content = [
            tag("h1", link("/orders", TEXTS["orders"]), " / ", tag("span", page.order.no, class_="num wrap")),
            first(page, Viewer(zone, desk.clock()), _temporal(desk, key), progress.trying),
            acts.buttons(page),
            _two(page, left, [parts.receiver(receiver, button), buyer.card()]),
        ]
        return body(content)

    async def dialogs() -> Markup:
        return acts.dialogs() + await wrong.dialog()

    async def reveal(_: dict[str, str], by: By) -> str:
        found = await opening.reveal(key, by)
        if found is not None:
            shown[key] = found
        return TEXTS["revealed"]

    async def look() -> None:
        progress.runs, progress.trying = await _progress(desk.engine, key)

    frame.on("reveal", Action.OPEN_CONTACT, reveal)
    await frame.show(read, seconds=1.5)
    await frame.show(dialogs, seconds=0)
    await frame.show(after_sales.form, seconds=CASE_SECONDS)
    ui.timer(PROGRESS_SECONDS, look)


def _left(page: OrderPage, cases: Markup, stock: Markup) -> list[Child]:
    """Put after-sales first once the goods have left; before, what waits stands in the way of nothing else."""
    rest: list[Child] = [parts.lines(page), parts.parcels(page), stock]
    return [cases, *rest] if page.order.shipped_at else [*rest, cases]


def _two(page: OrderPage, left: list[Child], people: list[Child]) -> Markup:
    """Put what happens on the left, who it is for and the figures on the right."""
    figures = [parts.amounts(page), parts.warehouse(page), parts.holds(page), parts.calls(page)]
    return tag("div", tag("div", left, parts.story(page)), tag("div", people, figures), class_="two")


async def _progress(engine: Engine, key: str) -> tuple[bool | None, str]:
    """Ask the engine whether the workflow runs and what it tries again and again."""
    try:
        found = await engine.progress(workflow_id(key))
    except Unavailable:
        return None, ""
    trying = FIRST_TEXTS["retrying"].format(n=found.attempt, why=found.failure) if found.attempt > 1 else ""
    return found.runs, trying


def _reveal(frame: Frame) -> Child:
    if not frame.may(Action.OPEN_CONTACT):
        return None
    return tag("p", tag("button", TEXTS["reveal"], data_act="reveal", id="reveal"), class_="below")


def _temporal(desk: Desk, key: str) -> str:
    return f"{desk.temporal_ui}/{quote(workflow_id(key), safe=':')}" if desk.temporal_ui else ""
