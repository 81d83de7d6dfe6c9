"""/breakers/{id}: what was sold out of what to whom, how stock was then, what happens next; with buttons (INV-7)."""

from collections import Counter

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import Child, body, empty, link, moment, section, table, tag
from clients.console.pages.breakers import stop_badge
from clients.console.pages.sku_parts import holders, order_link, waiting
from clients.console.sale_acts import SaleActs
from clients.console.stock_frame import number, shop_name, sku_url
from clients.console.stock_nav import sections
from clients.console.stock_sentences import total
from clients.console.stock_words import CAUSES, ENDS
from clients.console.words import ACTORS, said
from domain.breaker import Breaker, Cause
from store.reads.breakers import BreakerReads, Failed, Stop, StopPage
from store.reads.waiting import InLine, WaitingReads

TEXTS = {
    "title": "停售",
    "breakers": "熔断",
    "missing": "没有这次停售的记录。",
    "missing_next": "回到列表看所有记录。",
    "sold_out": "{n} 张订单共要 {units} 件 {sku}，没有锁到库存。",
    "by_hand": "{who} 在所有渠道停售了 {sku}。",
    "why": "原因：{why}",
    "then": "停售时：",
    "now": "现在的库存",
    "next": "接下来：",
    "next_failures": "补货后自动恢复；也可以恢复，或先试销几件。排队的订单按付款先后分配。",
    "next_hand": "一直停售，直到有人恢复或试销；补货不会自动恢复。",
    "next_trial": "再卖 {n} 件没有问题就自动恢复；再有一张订单锁不到，立即停售。",
    "next_closed": "已经恢复销售：{how}。",
    "waiting": "{n} 张已付款订单在排队。",
    "by_shop": "按店铺",
    "failures": "锁不到库存的订单",
    "no_failures": "没有订单锁不到库存。",
}


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/breakers/{number}")
    async def breaker(request: Request, number: str) -> None:
        await _draw(desk, request, number)


async def _draw(desk: Desk, request: Request, words: str) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/stock"), BreakerReads(desk.database)
    event = int(words) if words.isascii() and words.isdigit() and len(words) < 19 else 0
    first = await reads.page(event)
    acts = SaleActs(frame, first.stop.sku) if first else None

    async def read() -> Markup:
        page = await reads.page(event)
        if page is None or acts is None:
            return body(sections(frame, "/breakers"), empty(TEXTS["missing"], TEXTS["missing_next"]))
        stop = await reads.under_way(page.stop.sku)
        line = await WaitingReads(desk.database).line(page.stop.sku)
        return body(_head(frame, page, acts.buttons(stop)), _rest(page, line))

    async def dialogs() -> Markup:
        return acts.dialogs() if acts else Markup()

    await frame.show(read)
    await frame.show(dialogs, seconds=0)


def _head(frame: Frame, page: StopPage, buttons: Markup) -> list[Child]:
    stop = page.stop
    tone = {Breaker.OPEN: "bad", Breaker.HALF_OPEN: "warn", Breaker.CLOSED: ""}[stop.breaker]
    why = tag("p", TEXTS["why"].format(why=said(stop.reason)), class_="wrap") if stop.reason else None
    card = tag(
        "section",
        tag("p", _what(page), class_="big", id="what"),
        tag("p", stop.title, class_="wrap") if stop.title else None,
        tag("p", stop_badge(stop), " ", moment(stop.opened_at), f" · {CAUSES[stop.cause]}"),
        why,
        tag("p", TEXTS["then"], total(page.then), "。", link(sku_url(stop.sku), TEXTS["now"]), class_="num"),
        tag("p", tag("strong", TEXTS["next"]), _next(stop)),
        buttons,
        class_=f"card first {tone}",
    )
    heading = tag("h1", link("/breakers", TEXTS["breakers"]), " / ", tag("span", stop.sku, class_="num wrap"))
    return [sections(frame, "/breakers"), heading, card]


def _what(page: StopPage) -> str:
    stop = page.stop
    if page.failures:
        wanted = sum(one.units for one in page.failures)
        return TEXTS["sold_out"].format(n=stop.failures, units=wanted, sku=stop.sku)
    return TEXTS["by_hand"].format(who=ACTORS.get(stop.opened_by, stop.opened_by), sku=stop.sku)


def _next(stop: Stop) -> str:
    if stop.closed_at:
        return TEXTS["next_closed"].format(how=ENDS.get(stop.ended, stop.ended))
    if stop.breaker is Breaker.HALF_OPEN:
        words = TEXTS["next_trial"].format(n=stop.trial_left)
    else:
        words = TEXTS["next_hand" if stop.cause == Cause.HAND else "next_failures"]
    return words + (TEXTS["waiting"].format(n=stop.waiting) if stop.waiting else "")


def _rest(page: StopPage, line: list[InLine]) -> Markup:
    left, right = [_failures(page.failures), holders(page.holders)], [_by_shop(page.failures), waiting(line)]
    return tag("div", tag("div", left), tag("div", right), class_="two")


def _by_shop(failures: list[Failed]) -> Markup:
    orders = Counter((one.channel, one.shop) for one in failures)
    units: Counter[tuple[str, str]] = Counter()
    for one in failures:
        units[one.channel, one.shop] += one.units
    rows = [tag("tr", tag("td", shop_name(*shop)), number(n), number(units[shop])) for shop, n in orders.most_common()]
    shown = table(["店铺", "订单", "件数"], rows, numbers=(1, 2)) if rows else empty(TEXTS["no_failures"])
    return section(TEXTS["by_shop"], shown)


def _failures(failures: list[Failed]) -> Markup:
    if not failures:
        return section(TEXTS["failures"], empty(TEXTS["no_failures"]))
    rows = [
        tag(
            "tr",
            tag("td", order_link(one.order_key)),
            tag("td", shop_name(one.channel, one.shop)),
            number(one.units),
            tag("td", moment(one.at)),
        )
        for one in failures
    ]
    return section(TEXTS["failures"], table(["订单", "店铺", "件数", "时间"], rows, numbers=(2,)))
