"""What lists share: tabs with counts, pages by key, the viewer's day, orders as rows."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup
from starlette.requests import Request

from clients.console.html import Child, badge, countdown, empty, link, moment, money, order_url, tag, url
from clients.console.words import STATUSES, WAITS, said
from domain.waits import WaitFor
from store.reads.order_list import OrderRow
from store.reads.pages import FIRST, Page, Place

TEXTS = {
    "next": "下一页 ›",
    "previous": "‹ 上一页",
    "first": "« 第一页",
    "pages": "翻页",
    "stuck": "卡住",
    "held": "暂停",
    "for_case": "售后 {no} 补寄",
    "order": "订单",
    "shop": "店铺",
    "status": "状态",
    "waits": "在等什么",
    "due": "期限",
    "goods": "商品",
    "total": "金额",
    "region": "收货地",
    "placed": "下单时间",
    "units": "{title} 等 {units} 件",
    "no_due": "—",
    "waits_for": "等{what}",
}
DEFAULT_ZONE = "Asia/Shanghai"
TONES = {"unpaid": "calm", "paid": "warn", "shipped": "calm", "signed": "calm", "completed": "good", "closed": "calm"}
SIGNS = {"unpaid": "○", "paid": "◔", "shipped": "→", "signed": "✓", "completed": "✓", "closed": "—"}
Row = TypeVar("Row")


def zone_of(request: Request) -> ZoneInfo:
    """Give the viewer's zone as the browser told it; the shops' own where it did not."""
    try:
        return ZoneInfo(unquote(request.cookies.get("steadfast_zone", "")) or DEFAULT_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


def end_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    """Give the end of the viewer's day, in UTC."""
    day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=1)).astimezone(UTC)


def place_of(request: Request) -> Place:
    """Read from the address where a page starts."""
    mark = request.query_params.get("at", "")
    return Place(mark, request.query_params.get("back") == "1") if mark else FIRST


def tabs(items: Iterable[tuple[str, str, object, bool]], label: str) -> Markup:
    """Show tabs: word, address, count, whether it is the one shown."""
    shown = [
        link(
            address, word, tag("span", str(count)) if count is not None else None, aria_current="page" if here else None
        )
        for word, address, count, here in items
    ]
    return tag("nav", shown, class_="tabs", aria_label=label)


def pager(page: Page[Row], path: str, query: dict[str, str]) -> Markup | None:
    """Link to the pages before and after."""
    if not page.next and not page.previous:
        return None
    links: list[Child] = []
    if page.previous:
        links.append(link(url(path, **query), TEXTS["first"], class_="button"))
        links.append(link(url(path, **query, at=page.previous, back=1), TEXTS["previous"], class_="button", rel="prev"))
    if page.next:
        links.append(link(url(path, **query, at=page.next), TEXTS["next"], class_="button", rel="next"))
    return tag("nav", links, class_="pager", aria_label=TEXTS["pages"])


def order_table(rows: list[OrderRow], nothing: str, what_next: str = "") -> Markup:
    """Show orders, one per line; on a phone one per card."""
    if not rows:
        return empty(nothing, what_next)
    names = ("order", "shop", "status", "waits", "due", "goods", "total", "region", "placed")
    heads = [tag("th", TEXTS[name], scope="col", class_="right" if name == "total" else None) for name in names]
    body = tag("tbody", [_row(row) for row in rows])
    return tag("div", tag("table", tag("thead", tag("tr", heads)), body, class_="cards orders"), class_="scroll")


def status_badges(row: OrderRow) -> Markup:
    """Show an order's state, and loudly whether it is stuck or held."""
    found = [badge(STATUSES.get(row.status, row.status), TONES.get(row.status, "calm"), SIGNS.get(row.status, "·"))]
    if row.case_no:
        found.append(badge(TEXTS["for_case"].format(no=row.case_no), "calm", "↻"))
    if row.hold_reason:
        found.insert(0, badge(TEXTS["held"], "warn", "‖"))
    elif row.stuck:
        found.insert(0, badge(TEXTS["stuck"], "bad"))
    return Markup(" ").join(found)


def waits_in_short(row: OrderRow) -> str:
    """Say in a few words what an order waits for."""
    if row.stuck:
        return said(row.stuck_reason)
    if row.wait is None or row.wait.what is WaitFor.NOTHING:
        return said(row.close_reason) if row.close_reason else "—"
    return TEXTS["waits_for"].format(what=WAITS[row.wait.what][0])


def _row(row: OrderRow) -> Markup:
    title = row.title or "—"
    goods = TEXTS["units"].format(title=title, units=row.units) if (row.units or 0) > 1 else title
    region = " ".join(filter(None, (row.province, row.city)))
    waits = waits_in_short(row)
    cells = {
        "order": link(order_url(row.key), row.no, class_="open num cut", data_key=row.key, title=row.key),
        "shop": tag("span", f"{row.channel} / {row.shop}", class_="faint cut"),
        "status": status_badges(row),
        "waits": tag("span", waits, class_="cut", title=waits),
        "due": countdown(row.due_at) if row.due_at else tag("span", TEXTS["no_due"], class_="faint"),
        "goods": tag("span", goods, class_="cut", title=goods),
        "total": money(row.total_minor, row.currency),
        "region": region,
        "placed": moment(row.placed_at),
    }
    return tag(
        "tr",
        [
            tag("td", content, data_label=TEXTS[name], class_=f"{name} right" if name == "total" else name)
            for name, content in cells.items()
        ],
    )
