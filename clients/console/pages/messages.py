"""/inbox: the messages that came in, above all those that did not get through."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, framed, page_at
from clients.console.html import badge, body, empty, failure, link, moment, tag, url
from clients.console.lists import pager, place_of, tabs
from clients.console.words import MESSAGE_STATES, WAYS, said
from clients.replay import Replayer
from domain.errors import BadInput
from domain.permissions import Action
from store.reads.inbox import InboxReads, MessageFilter, MessageRow
from store.replay import By

TEXTS = {
    "title": "收件箱",
    "all": "全部",
    "tabs": "消息分组",
    "id": "消息",
    "from": "来自",
    "way": "方式",
    "received": "收到时间",
    "state": "状态",
    "about": "关于",
    "reason": "原因",
    "nothing": "没有这样的消息。",
    "clean": "没有需要处理的消息。",
    "bad_page": "这个翻页地址不能用，请从第一页看起。",
    "first": "回到第一页",
    "replay_failed": "重放全部未入账",
    "replay_shop": "重放 {shop} 的全部未验证消息",
    "replayed": "重放了 {n} 条：{done} 条成功，{left} 条仍未通过{why}。",
    "hint": "原因修好后（例如换了密钥），在消息页重放，或筛选一个店铺后一次重放。",
}
STATES = ("unverified", "unparsable", "failed", "unmapped", "accepted")
TONES = {
    "accepted": "good",
    "replayed": "good",
    "unverified": "warn",
    "unparsable": "bad",
    "failed": "bad",
    "unmapped": "bad",
}
COLUMNS = ("id", "from", "way", "received", "state", "about", "reason")


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/inbox")
    async def inbox(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/inbox"), InboxReads(desk.database)
    query = {name: value for name in ("state", "source", "shop") if (value := request.query_params.get(name, ""))}
    wanted = MessageFilter(query.get("state"), query.get("source"), query.get("shop"))

    async def read() -> Markup:
        try:
            page = await reads.list(wanted, place_of(request))
        except BadInput:
            return tag("div", failure(TEXTS["bad_page"]), link("/inbox", TEXTS["first"], class_="button"))
        nothing = TEXTS["nothing"] if wanted.state in {None, "accepted"} else TEXTS["clean"]
        content = [
            tag("h1", TEXTS["title"]),
            _tabs(query),
            _bulk(query) if frame.may(Action.REPLAY) and page.rows else None,
            _table(page.rows) if page.rows else empty(nothing),
            pager(page, "/inbox", query),
        ]
        return body(content)

    async def replay_all(_: dict[str, str], by: By) -> str:
        replayer = Replayer(desk.database, desk.ring, by.actor, desk.clock)
        if wanted.state == "failed":
            names = await replayer.all_failed()
        else:
            names = await replayer.all_unverified(wanted.source or "", wanted.shop or "")
        results = [await replayer.replay(name) for name in names]
        left = [said(one.words) for one in results if not one.done]
        why = f"（{left[0]}）" if left else ""
        return TEXTS["replayed"].format(n=len(results), done=len(results) - len(left), left=len(left), why=why)

    frame.on("replay-all", Action.REPLAY, replay_all)
    await frame.show(read)


def _tabs(query: dict[str, str]) -> Markup:
    rest = {name: value for name, value in query.items() if name != "state"}
    here = query.get("state")
    items: list[tuple[str, str, object, bool]] = [(TEXTS["all"], url("/inbox", **rest), None, here is None)]
    items += [(MESSAGE_STATES[state], url("/inbox", state=state, **rest), None, here == state) for state in STATES]
    return tabs(items, TEXTS["tabs"])


def _bulk(query: dict[str, str]) -> Markup | None:
    if query.get("state") == "failed":
        return tag("p", tag("button", TEXTS["replay_failed"], data_act="replay-all", id="replay-all"))
    if query.get("state") == "unverified" and "source" in query and "shop" in query:
        words = TEXTS["replay_shop"].format(shop=f"{query['source']} / {query['shop']}")
        return tag("p", tag("button", words, data_act="replay-all", id="replay-all"))
    return tag("p", TEXTS["hint"], class_="faint") if query.get("state") == "unverified" else None


def _table(rows: list[MessageRow]) -> Markup:
    heads = [tag("th", TEXTS[name], scope="col") for name in COLUMNS]
    body = tag("tbody", [_row(row) for row in rows])
    return tag("div", tag("table", tag("thead", tag("tr", heads)), body, class_="cards"), class_="scroll")


def _row(row: MessageRow) -> Markup:
    reason = said(row.reason)
    cells = {
        "id": link(f"/inbox/{row.name}", row.name, class_="open num", data_key=row.name),
        "from": tag("span", f"{row.source} / {row.shop}"),
        "way": tag("span", WAYS.get(row.way, row.way)),
        "received": moment(row.received_at),
        "state": badge(MESSAGE_STATES.get(row.state, row.state), TONES.get(row.state, "calm")),
        "about": tag("span", row.about, class_="cut", title=row.about) if row.about else None,
        "reason": tag("span", reason, class_="cut", title=reason) if reason else None,
    }
    return tag("tr", [tag("td", content, data_label=TEXTS[name]) for name, content in cells.items()])
