"""/orders and /stuck: every order, worst first; the filters are the address."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse

from clients.console.frame import Desk, framed, page_at
from clients.console.html import body, failure, join, link, tag, url
from clients.console.lists import end_of_day, order_table, pager, place_of, tabs, zone_of
from clients.console.words import STATUSES, WAITS
from domain.errors import BadInput
from domain.waits import WaitFor
from store.reads.order_list import OrderCounts, OrderFilter, OrderList
from store.reads.pages import Place

TEXTS = {
    "title": "订单",
    "all": "全部",
    "stuck": "卡住",
    "held": "暂停",
    "overdue": "已超期",
    "due": "今天到期",
    "tabs": "订单分组",
    "channel": "渠道",
    "shop": "店铺",
    "wait": "在等什么",
    "any": "不限",
    "from": "下单从",
    "to": "下单到（含）",
    "filter": "筛选",
    "clear": "清除",
    "nothing": "没有符合条件的订单。",
    "nothing_next": "换个条件，或清除筛选。",
    "calm": "现在没有订单卡住。",
    "calm_next": "有需要人工处理的订单时，会出现在这里。",
    "bad_filter": "这个筛选条件不能用，请清除后再试。",
}
FILTERS = ("channel", "shop", "wait", "from", "to")
GROUPS = ("stuck", "held", "due", "status")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    query: dict[str, str]
    wanted: OrderFilter
    place: Place


def register(desk: Desk) -> None:
    """Register both addresses."""

    @page_at("/stuck")
    async def stuck() -> RedirectResponse:
        return RedirectResponse(url("/orders", stuck=1), 303)

    @page_at("/orders")
    async def orders(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    stuck = request.query_params.get("stuck") == "1"
    frame = framed(desk, request, TEXTS["stuck" if stuck else "title"], "/stuck" if stuck else "/orders")
    zone, reads = zone_of(request), OrderList(desk.database)

    async def read() -> Markup:
        now = desk.clock()
        day = end_of_day(now, zone)
        try:
            asked = _asked(request, now, day)
            page = await reads.page(asked.wanted, asked.place)
        except BadInput:
            return tag("div", failure(TEXTS["bad_filter"]), link("/orders", TEXTS["clear"], class_="button"))
        counts = await reads.counts(now, day)
        nothing = ("calm", "calm_next") if stuck else ("nothing", "nothing_next")
        content = [
            tag("h1", TEXTS["stuck" if stuck else "title"]),
            _tabs(asked, counts),
            _filters(asked),
            order_table(page.rows, *(TEXTS[name] for name in nothing)),
            pager(page, "/orders", asked.query),
        ]
        return body(content)

    await frame.show(read)


def _asked(request: Request, now: datetime, day: datetime) -> Asked:
    query = {name: value for name in (*GROUPS, *FILTERS) if (value := request.query_params.get(name, "").strip())}
    due = {"now": now, "today": day}.get(query.get("due", ""))
    zone = zone_of(request)
    wanted = OrderFilter(
        status=query.get("status"),
        channel=query.get("channel"),
        shop=query.get("shop"),
        stuck=query.get("stuck") == "1",
        held=query.get("held") == "1",
        due_before=due,
        wait_for=query.get("wait"),
        placed_from=_date(query.get("from"), zone),
        placed_to=_date(query.get("to"), zone, days=1),
    )
    return Asked(query, wanted, place_of(request))


def _date(words: str | None, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """Read a day of the viewer's zone; raise BadInput when it is none."""
    if words is None:
        return None
    try:
        return (datetime.strptime(words, "%Y-%m-%d").replace(tzinfo=zone) + timedelta(days=days)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{words!r} is no date") from None


def _tabs(asked: Asked, counts: OrderCounts) -> Markup:
    kept = {name: value for name, value in asked.query.items() if name in FILTERS}
    groups: list[tuple[str, dict[str, str], object]] = [
        (TEXTS["all"], {}, None),
        (TEXTS["stuck"], {"stuck": "1"}, counts.stuck),
        (TEXTS["held"], {"held": "1"}, counts.held),
        (TEXTS["overdue"], {"due": "now"}, counts.overdue),
        (TEXTS["due"], {"due": "today"}, counts.due),
        *((word, {"status": status}, counts.by_status[status]) for status, word in STATUSES.items()),
    ]
    here = {name: value for name, value in asked.query.items() if name in GROUPS}
    return tabs(
        [(word, url("/orders", **group, **kept), count, group == here) for word, group, count in groups],
        TEXTS["tabs"],
    )


def _filters(asked: Asked) -> Markup:
    query = asked.query
    kept = [tag("input", type="hidden", name=name, value=query[name]) for name in GROUPS if name in query]
    waits = [
        tag("option", WAITS[one][0], value=one.value, selected=query.get("wait") == one.value)
        for one in WaitFor
        if one is not WaitFor.NOTHING
    ]
    fields = [
        _field("channel", tag("input", name="channel", value=query.get("channel", ""), size=8, maxlength=40)),
        _field("shop", tag("input", name="shop", value=query.get("shop", ""), size=8, maxlength=80)),
        _field("wait", tag("select", tag("option", TEXTS["any"], value=""), waits, name="wait")),
        _field("from", tag("input", name="from", type="date", value=query.get("from", ""))),
        _field("to", tag("input", name="to", type="date", value=query.get("to", ""))),
    ]
    clear = link("/orders", TEXTS["clear"], class_="button") if any(name in query for name in FILTERS) else None
    form = tag("form", join(kept), fields, tag("button", TEXTS["filter"]), clear, class_="filters", action="/orders")
    return tag("details", tag("summary", TEXTS["filter"]), form, class_="filtering", open=clear is not None)


def _field(name: str, entry: Markup) -> Markup:
    return tag("label", tag("span", TEXTS[name]), entry)
