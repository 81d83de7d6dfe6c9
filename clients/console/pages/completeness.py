"""/completeness: is every order here? Hours of each shop as a calendar; of one hour its numbers, and what was done."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request

from clients.console.completeness_words import FAULTS, KINDS, MARKS, SIGNS
from clients.console.frame import Desk, framed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, order_url, section, tag, url
from clients.console.lists import tabs
from clients.console.words import said
from domain.completeness import DAY, HAND, HOUR, MONTH, Fault
from store.reads.completeness import CheckRow, CompletenessReads, LedgerHour, LedgerShop, NumberRow

TEXTS = {
    "title": "订单完整性",
    "lead": "每小时把渠道列出的订单号与我们的逐一核对：推送、拉取、渠道三方一致才算齐全。缺少的自动补取。",
    "shops": "店铺",
    "nothing": "还没有连接销售渠道。",
    "nothing_next": "用 oms shop add 连接。",
    "unproven": "这家店铺还没有核对过。",
    "unproven_next": "渠道不提供订单列表，或者第一个小时还没有结束。自有店铺请设置 roll_url。",
    "day": "日期",
    "calendar": "按小时",
    "legend": "图例",
    "cell": "{hour}：{state}。渠道 {named}，推送 {pushed}，拉取 {pulled}，已入账 {booked}，缺 {missing}",
    "hour": "{hour} 这一小时",
    "windows": "核对记录",
    "others": "每日、每月和手工核对（最近 {days} 天）",
    "numbers": "不一致的订单号",
    "all_agree": "所有订单号一致。",
    "kind": "核对",
    "start": "开始",
    "state": "结果",
    "named": "渠道",
    "pushed": "推送",
    "pulled": "拉取",
    "booked": "已入账",
    "missing": "缺",
    "checked": "核对时间",
    "reason": "说明",
    "no": "订单号",
    "fault": "差异",
    "theirs": "渠道",
    "ours": "我们",
    "done": "处理",
    "settled": "结果",
    "asked": "已补取 {n} 次",
    "refused": "渠道拒绝：{reason}",
    "traced": "请人工核查",
    "open": "未解决",
    "none": "没有异常的时段。",
    "earlier": "更早",
    "later": "更晚",
}
DAYS = 14
NUMBERS = ("named", "pushed", "pulled", "booked", "missing")
HOURS = 24


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/completeness")
    async def page(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/shops"), CompletenessReads(desk.database)
    wanted, hour = request.query_params.get("shop", ""), _time(request.query_params.get("hour", ""))

    async def read() -> Markup:
        now = desk.clock()
        until = min(_time(request.query_params.get("until", "")) or now, now)
        since = until - timedelta(days=DAYS)
        shops = await reads.shops(since)
        if not shops:
            return body(tag("h1", TEXTS["title"]), empty(TEXTS["nothing"], TEXTS["nothing_next"]))
        here = next((one for one in shops if f"{one.vendor}/{one.shop}" == wanted), shops[0])
        content = [
            tag("h1", TEXTS["title"]),
            tag("p", TEXTS["lead"], class_="faint"),
            _tabs(shops, here),
            *await _hour(reads, here, hour),
            *await _calendar(reads, here, since, until),
        ]
        return body(content)

    await frame.show(read)


def _time(words: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(words)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo and 1970 < at.year < 9000 else None


def _tabs(shops: list[LedgerShop], here: LedgerShop) -> Markup:
    items: list[tuple[str, str, object, bool]] = []
    for one in shops:
        name = f"{one.vendor}/{one.shop}"
        sign = SIGNS[one.state] if one.state else "·"
        items.append((f"{sign} {name}", url("/completeness", shop=name), None, one == here))
    return tabs(items, TEXTS["shops"])


async def _calendar(reads: CompletenessReads, shop: LedgerShop, since: datetime, until: datetime) -> list[Child]:
    hours = await reads.calendar(shop.vendor, shop.shop, since, until)
    others = await reads.checks(shop.vendor, shop.shop, since, until, DAY, MONTH, HAND)
    if not hours and not others:
        return [empty(TEXTS["unproven"], TEXTS["unproven_next"])]
    name, step = f"{shop.vendor}/{shop.shop}", timedelta(days=DAYS)
    around = [
        link(url("/completeness", shop=name, until=(until - step).isoformat()), TEXTS["earlier"]),
        " ",
        link(url("/completeness", shop=name, until=(until + step).isoformat()), TEXTS["later"]),
    ]
    legend = [tag("span", badge(words, tone, SIGNS[mark]), " ") for mark, (words, tone) in MARKS.items()]
    numbers = await reads.numbers((shop.vendor, shop.shop), since, until, [DAY, MONTH, HAND])
    found = [_windows(others)] if others else [empty(TEXTS["none"])]
    found += [tag("h3", TEXTS["numbers"]), _numbers(numbers)] if numbers else []
    return [
        section(TEXTS["calendar"], _grid(shop, hours), tag("p", legend), tag("p", around), id="calendar"),
        section(TEXTS["others"].format(days=DAYS), *found, id="others"),
    ]


def _grid(shop: LedgerShop, hours: list[LedgerHour]) -> Markup:
    """Draw days as rows and the hours of the shop's own day as columns, the newest day first."""
    zone = ZoneInfo(shop.zone)
    days: dict[str, dict[int, LedgerHour]] = {}
    for one in hours:
        local = one.hour.astimezone(zone)
        days.setdefault(f"{local:%m-%d}", {})[local.hour] = one
    heads = [tag("th", TEXTS["day"], scope="col"), *(tag("th", f"{n:02}", scope="col") for n in range(HOURS))]
    rows = [
        tag("tr", tag("th", day, scope="row"), [_cell(shop, cells, n, zone) for n in range(HOURS)])
        for day, cells in reversed(days.items())
    ]
    return tag("div", tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows)), class_="scroll")


def _cell(shop: LedgerShop, cells: Mapping[int, LedgerHour], hour: int, zone: ZoneInfo) -> Markup:
    one = cells.get(hour)
    if one is None:
        return tag("td", tag("span", "·", class_="faint"))
    words, tone = MARKS[one.state]
    told = {name: getattr(one, name) for name in NUMBERS}
    title = TEXTS["cell"].format(hour=f"{one.hour.astimezone(zone):%m-%d %H:00}", state=words, **told)
    where = url("/completeness", shop=f"{shop.vendor}/{shop.shop}", hour=one.hour.astimezone(UTC).isoformat())
    sign = tag("span", tag("i", SIGNS[one.state], aria_hidden="true"), class_=f"badge {tone}")
    return tag("td", link(where, sign, title=title, aria_label=title, data_key=f"hour-{one.hour.isoformat()}"))


async def _hour(reads: CompletenessReads, shop: LedgerShop, hour: datetime | None) -> list[Child]:
    if hour is None:
        return []
    account, until = (shop.vendor, shop.shop), hour + timedelta(hours=1)
    checks = await reads.checks(*account, hour, until, HOUR)
    numbers = await reads.numbers(account, hour, until, [HOUR])
    local = f"{hour.astimezone(ZoneInfo(shop.zone)):%m-%d %H:00}"
    found = _numbers(numbers) if numbers else empty(TEXTS["all_agree"])
    content = [tag("h3", TEXTS["numbers"]), found, tag("h3", TEXTS["windows"]), _windows(checks)]
    return [section(TEXTS["hour"].format(hour=local), *content, id="hour")]


def _windows(checks: list[CheckRow]) -> Markup:
    names = ("kind", "start", "state", *NUMBERS, "checked", "reason")
    return _table(names, [_window(one) for one in checks])


def _window(one: CheckRow) -> dict[str, Child]:
    words, tone = MARKS[one.state]
    return {
        "kind": KINDS[one.kind],
        "start": moment(one.starts_at),
        "state": badge(words, tone, SIGNS[one.state]),
        **{name: str(getattr(one, name)) for name in NUMBERS},
        "checked": moment(one.checked_at),
        "reason": tag("span", said(one.reason), class_="wrap"),
    }


def _numbers(numbers: list[NumberRow]) -> Markup:
    return _table(("no", "fault", "theirs", "ours", "done", "settled"), [_number(one) for one in numbers])


def _number(one: NumberRow) -> dict[str, Child]:
    fault = Fault(one.fault)
    done = TEXTS["asked"].format(n=one.asks) if one.asks else TEXTS["traced"]
    if one.asked == "refused" and one.settled_at is None:
        done = TEXTS["refused"].format(reason=one.reason)
    return {
        "no": link(order_url(one.order_key), one.no, class_="open num") if one.order_key else one.no,
        "fault": FAULTS[fault],
        "theirs": one.theirs or "—",
        "ours": one.ours or "—",
        "done": done,
        "settled": moment(one.settled_at, empty=TEXTS["open"]),
    }


def _table(names: tuple[str, ...], rows: list[dict[str, Child]]) -> Markup:
    heads = [tag("th", TEXTS[name], scope="col", class_="right" if name in NUMBERS else None) for name in names]
    shown = [
        tag("tr", [tag("td", cell, data_label=TEXTS[name], class_="right" if name in NUMBERS else None)
                   for name, cell in row.items()])
        for row in rows
    ]  # fmt: skip
    table = tag("table", tag("thead", tag("tr", heads)), tag("tbody", shown), class_="cards")
    return tag("div", table, class_="scroll")
