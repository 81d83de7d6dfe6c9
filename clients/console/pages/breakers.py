"""/breakers: whose sale is stopped or on trial, what is proposed against running out, and what was (INV-7, INV-11)."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, section, tag
from clients.console.lists import tabs
from clients.console.stock_frame import Ask, ask, dialog_id, reason_of, sku_url
from clients.console.stock_nav import sections
from clients.console.stock_words import BREAKERS, CAUSES, ENDS, MEASURE_STATES, MEASURES
from clients.console.words import ACTORS, said
from domain.breaker import Breaker
from domain.errors import BadInput
from domain.permissions import Action
from store import proposals
from store.breakers import By as Stopper
from store.proposals import Made
from store.reads.breakers import BreakerReads, Stop
from store.replay import By

TEXTS = {
    "title": "熔断和停售",
    "now": "现在",
    "all": "全部记录",
    "tabs": "记录",
    "none": "没有停售的商品。",
    "none_next": "10 秒内多张订单锁不到库存时会自动停售，并出现在这里。",
    "never": "还没有停售过。",
    "sku": "SKU",
    "goods": "品名",
    "state": "状态",
    "cause": "原因",
    "opened": "停售时间",
    "failures": "锁不到",
    "waiting": "排队",
    "atp": "可售",
    "ended": "结束",
    "trial": "试销，剩 {n}",
    "ended_state": "已结束",
    "proposals": "快卖完的建议",
    "no_proposals": "没有建议。",
    "no_proposals_next": "按最近 7 天的销量不够卖的商品会出现在这里。",
    "measure": "建议",
    "why": "依据",
    "basis": "可售 {atp}，7 天卖出 {sold}",
    "since": "时间",
    "acts": "",
    "accept": "采用",
    "revert": "撤销",
    "refuse": "不采用",
    "accept_title": "采用这条建议？",
    "accept_why": "限购对之后的订单生效；提价要到渠道后台改，这里留下记录。",
    "revert_title": "结束这条建议？",
    "revert_why": "对同样的销量不会再提出。",
    "accepted": "{sku} 的建议已生效。",
    "reverted": "{sku} 的建议已结束。",
    "gone": "没有这条建议",
}
NUMBERS = ("failures", "waiting", "atp")


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/breakers")
    async def breakers(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/stock"), BreakerReads(desk.database)
    ended = request.query_params.get("all") == "1"

    async def alive() -> list[Made]:
        async with desk.database.transaction() as tx:
            return await proposals.listed(tx, ended=ended)

    async def read() -> Markup:
        stops = await reads.events(ended=ended)
        nothing = empty(TEXTS["never"]) if ended else empty(TEXTS["none"], TEXTS["none_next"])
        content = [
            sections(frame, "/breakers"),
            tag("h1", TEXTS["title"]),
            _tabs(ended),
            _table(stops) if stops else nothing,
            tag("div", _proposals(frame, await alive()), class_="below"),
        ]
        return body(content)

    async def dialogs() -> Markup:
        return Markup().join(_dialogs(one) for one in await alive())

    async def accept(given: dict[str, str], by: By) -> str:
        async with desk.database.transaction() as tx:
            made = await proposals.accept(tx, _id(given), Stopper(by.actor, by.now, reason_of(given)))
        return TEXTS["accepted"].format(sku=made.sku)

    async def revert(given: dict[str, str], by: By) -> str:
        async with desk.database.transaction() as tx:
            made = await proposals.revert(tx, _id(given), Stopper(by.actor, by.now, reason_of(given)))
        return TEXTS["reverted"].format(sku=made.sku)

    frame.on("accept", Action.DECIDE_PROPOSAL, accept)
    frame.on("revert", Action.DECIDE_PROPOSAL, revert)
    await frame.show(read)
    if frame.may(Action.DECIDE_PROPOSAL):
        await frame.show(dialogs)


def _id(given: dict[str, str]) -> int:
    words = given.get("id", "")
    if not (words.isascii() and words.isdigit() and len(words) < 19):
        raise BadInput(TEXTS["gone"])
    return int(words)


def _tabs(ended: bool) -> Markup:
    items: list[tuple[str, str, object, bool]] = [
        (TEXTS["now"], "/breakers", None, not ended),
        (TEXTS["all"], "/breakers?all=1", None, ended),
    ]
    return tabs(items, TEXTS["tabs"])


def _table(stops: list[Stop]) -> Markup:
    names = ("sku", "state", "cause", "opened", *NUMBERS, "ended")
    heads = [tag("th", TEXTS[name], scope="col", class_="right" if name in NUMBERS else None) for name in names]
    body = tag("tbody", [_row(one) for one in stops])
    return tag("div", tag("table", tag("thead", tag("tr", heads)), body, class_="cards"), class_="scroll")


def _row(one: Stop) -> Markup:
    who = ACTORS.get(one.opened_by, one.opened_by)
    why = said(one.reason) or CAUSES[one.cause]
    cells: dict[str, Child] = {
        "sku": tag(
            "div",
            link(f"/breakers/{one.id}", one.sku, class_="open num", data_key=f"stop-{one.id}"),
            tag("div", one.title, class_="faint cut", title=one.title),
        ),
        "state": stop_badge(one),
        "cause": tag("span", f"{CAUSES[one.cause]} · {who}", tag("div", why, class_="faint wrap")),
        "opened": moment(one.opened_at),
        "failures": str(one.failures) if one.failures else "—",
        "waiting": str(one.waiting) if one.waiting else "—",
        "atp": "—" if one.atp is None else str(one.atp),
        "ended": tag("span", moment(one.closed_at), " ", ENDS.get(one.ended, "")) if one.closed_at else "—",
    }
    return tag(
        "tr",
        [
            tag("td", content, data_label=TEXTS[name], class_="right" if name in NUMBERS else None)
            for name, content in cells.items()
        ],
    )


def stop_badge(one: Stop) -> Markup:
    """Show how a stop stands: stopped, on trial with so many left, or ended."""
    if one.closed_at:
        return badge(TEXTS["ended_state"], "calm")
    words, tone = BREAKERS[one.breaker.value]
    return badge(TEXTS["trial"].format(n=one.trial_left) if one.breaker is Breaker.HALF_OPEN else words, tone)


def _proposals(frame: Frame, found: list[Made]) -> Markup:
    if not found:
        return section(TEXTS["proposals"], empty(TEXTS["no_proposals"], TEXTS["no_proposals_next"]))
    names = ("sku", "measure", "why", "state", "since", "acts")
    heads = tag("tr", [tag("th", TEXTS[name], scope="col") for name in names])
    body = tag("tbody", [_proposal(frame, one) for one in found])
    shown = tag("div", tag("table", tag("thead", heads), body, class_="cards"), class_="scroll")
    return section(TEXTS["proposals"], shown, id="proposals")


def _proposal(frame: Frame, one: Made) -> Markup:
    words, tone = MEASURE_STATES[one.state]
    who = ACTORS.get(one.ended_by or one.in_force_by, one.ended_by or one.in_force_by)
    cells: dict[str, Child] = {
        "sku": link(sku_url(one.sku), one.sku, class_="open num"),
        "measure": MEASURES[one.kind].format(size=one.size),
        "why": TEXTS["basis"].format(atp=one.atp, sold=one.sold),
        "state": tag("span", badge(words, tone), f" {who}" if who else ""),
        "since": moment(one.ended_at or one.in_force_at or one.made_at),
        "acts": _buttons(one) if frame.may(Action.DECIDE_PROPOSAL) else "",
    }
    return tag("tr", [tag("td", content, data_label=TEXTS[name]) for name, content in cells.items()])


def _buttons(one: Made) -> list[Child]:
    accept = tag("button", TEXTS["accept"], data_dialog=dialog_id("accept", id=one.id), data_key=f"accept-{one.id}")
    word = TEXTS["refuse" if one.state == "proposed" else "revert"]
    revert = tag("button", word, data_dialog=dialog_id("revert", id=one.id), data_key=f"revert-{one.id}")
    shown: dict[str, list[Child]] = {"proposed": [accept, " ", revert], "in_force": [revert]}
    return shown.get(one.state, [])


def _dialogs(one: Made) -> Markup:
    if one.ended_at is not None:
        return Markup()
    what = f"{one.sku}：{MEASURES[one.kind].format(size=one.size)}。"
    asked = [Ask("revert", TEXTS["revert_title"], what + TEXTS["revert_why"], TEXTS["revert"])]
    if one.state == "proposed":
        asked = [
            Ask("accept", TEXTS["accept_title"], what + TEXTS["accept_why"], TEXTS["accept"]),
            Ask("revert", TEXTS["revert_title"], what + TEXTS["revert_why"], TEXTS["refuse"]),
        ]
    return Markup().join(ask(each, id=one.id) for each in asked)
