"""/alerts: what somebody should know, live; settled ones are cleared here."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import age, badge, body, empty, link, moment, order_url, tag, url
from clients.console.lists import pager, place_of, tabs
from clients.console.words import ALERTS, LEVELS, said
from domain.errors import BadInput
from domain.permissions import Action
from store import alerts, audit
from store.reads.alerts import AlertFilter, AlertReads, AlertRow
from store.replay import By

TEXTS = {
    "title": "告警",
    "open": "未处理",
    "all": "全部记录",
    "tabs": "告警分组",
    "level": "级别",
    "kind": "告警",
    "about": "关于",
    "what": "说明",
    "since": "已持续",
    "raised": "发生时间",
    "cleared": "解除时间",
    "clear": "已处理",
    "clear_title": "原因已消除。再次发生会再次告警",
    "done": "已解除关于 {subject} 的告警。",
    "gone": "这条告警已经解除了。",
    "nothing": "没有未处理的告警。",
    "nothing_next": "新的告警会自动出现在这里，不用刷新。",
    "never": "还没有过告警。",
}
LIVE_SECONDS = 0.7


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/alerts")
    async def page(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame = framed(desk, request, TEXTS["title"], "/alerts")
    all_of_them = request.query_params.get("all") == "1"
    reads, wanted = AlertReads(desk.database), AlertFilter(level=request.query_params.get("level") or None)

    async def read() -> Markup:
        page = await (reads.recent if all_of_them else reads.open)(wanted, place_of(request))
        nothing = (TEXTS["never"], "") if all_of_them else (TEXTS["nothing"], TEXTS["nothing_next"])
        query = {"all": "1"} if all_of_them else {}
        content = [
            tag("h1", TEXTS["title"]),
            await _tabs(reads, all_of_them, wanted.level),
            _table(frame, page.rows) if page.rows else empty(*nothing),
            pager(page, "/alerts", query | ({"level": wanted.level} if wanted.level else {})),
        ]
        return body(content)

    async def clear(given: dict[str, str], by: By) -> str:
        subject = given.get("subject", "")
        async with desk.database.transaction() as tx:
            kinds = await alerts.clear(tx, subject, by.now, given.get("kind", ""))
            if not kinds:
                raise BadInput(TEXTS["gone"])
            await audit.write(tx, "alert.cleared", subject, by.now, actor=by.actor, kinds=kinds)
        return TEXTS["done"].format(subject=subject)

    frame.on("clear", Action.CLEAR_ALERT, clear)
    await frame.show(read, LIVE_SECONDS)


async def _tabs(reads: AlertReads, all_of_them: bool, level: str | None) -> Markup:
    counts = await reads.counts()
    here = not all_of_them and level is None
    items: list[tuple[str, str, object, bool]] = [(TEXTS["open"], "/alerts", sum(counts.values()), here)]
    for name, (word, _) in LEVELS.items():
        items.append((word, url("/alerts", level=name), counts.get(name, 0), not all_of_them and level == name))
    items.append((TEXTS["all"], "/alerts?all=1", None, all_of_them))
    return tabs(items, TEXTS["tabs"])


def _table(frame: Frame, rows: list[AlertRow]) -> Markup:
    names = ("level", "kind", "about", "what", "since", "raised", "clear")
    heads = [tag("th", TEXTS[name] if name != "clear" else "", scope="col") for name in names]
    body = [_row(frame, row) for row in rows]
    return tag("div", tag("table", tag("thead", tag("tr", heads)), tag("tbody", body), class_="cards"), class_="scroll")


def _row(frame: Frame, row: AlertRow) -> Markup:
    word, tone = LEVELS.get(row.level, (row.level, "calm"))
    cells = {
        "level": badge(word, tone),
        "kind": ALERTS.get(row.kind, row.kind),
        "about": subject_link(row.subject, row.kind),
        "what": tag("span", said(row.words), class_="wrap"),
        "since": moment(row.cleared_at) if row.cleared_at else age(row.raised_at),
        "raised": moment(row.raised_at),
        "clear": None if row.cleared_at else _clear_button(frame, row),
    }
    return tag(
        "tr", [tag("td", content, data_label=TEXTS[name] if name != "clear" else "") for name, content in cells.items()]
    )


def _clear_button(frame: Frame, row: AlertRow) -> Markup | None:
    if not frame.may(Action.CLEAR_ALERT):
        return None
    return tag(
        "button",
        TEXTS["clear"],
        data_act="clear",
        data_subject=row.subject,
        data_kind=row.kind,
        data_key=f"clear-{row.id}",
        title=TEXTS["clear_title"],
    )


def subject_link(subject: str, kind: str) -> Markup:
    """Link to what an alert is about: an order, a message's search, a shop."""
    if subject.count(":") >= 2:
        return link(
            order_url(subject),
            subject.split(":", 2)[2],
            class_="open num",
            title=subject,
            data_key=f"a-{subject}-{kind}",
        )
    if kind in {"gap", "roll"}:
        return link(url("/completeness", shop=subject), subject, class_="open")
    if "/" in subject:
        return link("/shops", subject, class_="open")
    return link(url("/search", q=subject.split(":")[-1]), subject, class_="open num")
