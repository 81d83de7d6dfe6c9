"""/alerts: what somebody should know, live, and what there was; settled ones are cleared here.

What raises which alert and who is told, /alerts/rules says (alert_rules.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup
from starlette.requests import Request

from clients.console.forms import chooser, field
from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import Child, age, badge, body, empty, failure, link, moment, order_url, tag, url
from clients.console.lists import pager, place_of, tabs
from clients.console.message_words import RECIPIENTS, STATES, VENDORS
from clients.console.words import ALERTS, CALLS, LEVELS, said
from domain.errors import BadInput
from domain.permissions import Action
from store import alerts, audit
from store.reads.alerts import AlertFilter, AlertReads, AlertRow, Told, subjects_of
from store.replay import By

TEXTS = {
    "title": "告警",
    "open": "未处理",
    "all": "全部记录",
    "rules": "规则",
    "tabs": "告警分组",
    "level": "级别",
    "kind": "告警",
    "about": "关于",
    "what": "说明",
    "since": "已持续",
    "raised": "发生时间",
    "cleared": "解除",
    "lasted": "持续",
    "told": "通知了谁",
    "clear": "已处理",
    "clear_title": "原因已消除。再次发生会再次告警",
    "done": "已解除关于 {subject} 的告警。",
    "gone": "这条告警已经解除了。",
    "nothing": "没有未处理的告警。",
    "nothing_next": "新的告警会自动出现在这里，不用刷新。",
    "never": "还没有过告警。",
    "none_such": "没有符合条件的告警。",
    "none_such_next": "换个条件，或清除筛选。",
    "by_itself": "自动解除",
    "by": "{who} 处理",
    "still": "还没解除",
    "nobody": "只在控制台显示",
    "any": "不限",
    "filter": "筛选",
    "unfilter": "清除",
    "shop": "店铺、订单或 SKU",
    "bad_page": "这个翻页地址不能用，请从第一页看起。",
    "first": "回到第一页",
    "seconds": "{n} 秒",
    "minutes": "{n} 分钟",
    "hours": "{n} 小时",
}
LIVE_SECONDS = 0.7
QUERY = ("all", "level", "kind", "about")
PATH = "/alerts"


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at(PATH)
    async def page(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], PATH), AlertReads(desk.database)
    query = {name: value for name in QUERY if (value := request.query_params.get(name, "").strip())}
    wanted = AlertFilter(query.get("level"), query.get("kind"), subjects_of(query.get("about", ""), CALLS))

    async def read() -> Markup:
        head = [tag("h1", TEXTS["title"]), await _tabs(reads, query), _filters(query, await reads.shops())]
        try:
            page = await (reads.recent if "all" in query else reads.open)(wanted, place_of(request))
        except BadInput:
            return body(head, failure(TEXTS["bad_page"]), link(PATH, TEXTS["first"], class_="button"))
        if not page.rows:
            return body(head, _nothing(query))
        draw = _history if "all" in query else _table
        return body(head, draw(frame, page.rows, await reads.told(page.rows)), pager(page, PATH, query))

    async def clear(given: dict[str, str], by: By) -> str:
        subject = given.get("subject", "")
        async with desk.database.transaction() as tx:
            kinds = await alerts.clear(tx, subject, by.now, given.get("kind", ""), by.actor)
            if not kinds:
                raise BadInput(TEXTS["gone"])
            await audit.write(tx, "alert.cleared", subject, by.now, actor=by.actor, kinds=kinds)
        return TEXTS["done"].format(subject=subject)

    frame.on("clear", Action.CLEAR_ALERT, clear)
    await frame.show(read, LIVE_SECONDS)


async def _tabs(reads: AlertReads, query: Mapping[str, str]) -> Markup:
    counts, level, everything = await reads.counts(), query.get("level"), "all" in query
    here = not everything and level is None
    items: list[tuple[str, str, object, bool]] = [(TEXTS["open"], PATH, sum(counts.values()), here)]
    for name, (word, _) in LEVELS.items():
        items.append((word, url(PATH, level=name), counts.get(name, 0), not everything and level == name))
    items.append((TEXTS["all"], f"{PATH}?all=1", None, everything))
    items.append((TEXTS["rules"], f"{PATH}/rules", None, False))
    return tabs(items, TEXTS["tabs"])


def _filters(query: Mapping[str, str], shops: Sequence[str]) -> Markup:
    kept = [tag("input", type="hidden", name=name, value=query[name]) for name in ("all", "level") if name in query]
    kinds = dict(sorted(ALERTS.items(), key=lambda one: one[1]))
    about = field(TEXTS["shop"], "about", value=query.get("about", ""), maxlength=200, list="accounts", size=22,
                  id="about", autocomplete="off", data_keep=True)  # fmt: skip
    known = tag("datalist", [tag("option", value=one) for one in shops], id="accounts")
    fields = [chooser(TEXTS["kind"], "kind", {"": TEXTS["any"], **kinds}, query.get("kind", "")), about, known]
    given = "kind" in query or "about" in query
    back = url(PATH, **{name: query[name] for name in ("all", "level") if name in query})
    undo = link(back, TEXTS["unfilter"], class_="button") if given else None
    form = tag("form", kept, fields, tag("button", TEXTS["filter"]), undo, class_="filters", action=PATH)
    return tag("details", tag("summary", TEXTS["filter"]), form, class_="filtering", open=given)


def _nothing(query: Mapping[str, str]) -> Markup:
    if query.keys() - {"all", "level"}:
        return empty(TEXTS["none_such"], TEXTS["none_such_next"])
    return empty(TEXTS["never"]) if "all" in query else empty(TEXTS["nothing"], TEXTS["nothing_next"])


def _table(frame: Frame, rows: list[AlertRow], told: Mapping[int, list[Told]]) -> Markup:
    names = ("level", "kind", "about", "what", "since", "raised", "told", "clear")
    return listed(_words(names), [_row(frame, row, told.get(row.id, [])) for row in rows])


def _history(_: Frame, rows: list[AlertRow], told: Mapping[int, list[Told]]) -> Markup:
    names = ("level", "kind", "about", "what", "raised", "cleared", "lasted", "told")
    return listed(_words(names), [_past(row, told.get(row.id, [])) for row in rows])


def _words(names: Sequence[str]) -> Mapping[str, str]:
    return {name: TEXTS[name] if name != "clear" else "" for name in names}


def listed(words: Mapping[str, str], rows: Sequence[Mapping[str, Child]]) -> Markup:
    """Build a table from the words of its columns; on a phone each line is a card with one thing a line."""
    heads = [tag("th", word, scope="col") for word in words.values()]
    lines = [tag("tr", [tag("td", row[name], data_label=word) for name, word in words.items()]) for row in rows]
    table = tag("table", tag("thead", tag("tr", heads)), tag("tbody", lines), class_="cards")
    return tag("div", table, class_="scroll")


def _row(frame: Frame, row: AlertRow, told: Sequence[Told]) -> Mapping[str, Child]:
    return _said(row, told) | {"since": age(row.raised_at), "clear": _clear_button(frame, row)}


def _past(row: AlertRow, told: Sequence[Told]) -> Mapping[str, Child]:
    if row.cleared_at is None:
        return _said(row, told) | {"cleared": badge(TEXTS["still"], "warn"), "lasted": age(row.raised_at)}
    who = TEXTS["by"].format(who=row.cleared_by) if row.cleared_by else TEXTS["by_itself"]
    cleared = tag("div", moment(row.cleared_at), tag("div", who, class_="faint"))
    return _said(row, told) | {
        "cleared": cleared,
        "lasted": tag("span", lasted(row.raised_at, row.cleared_at), class_="nowrap"),
    }


def _said(row: AlertRow, told: Sequence[Told]) -> dict[str, Child]:
    word, tone = LEVELS.get(row.level, (row.level, "calm"))
    return {
        "level": badge(word, tone),
        "kind": link(url(PATH, all=1, kind=row.kind), ALERTS.get(row.kind, row.kind)),
        "about": subject_link(row.subject, row.kind),
        "what": tag("span", said(row.words), class_="wrap"),
        "raised": moment(row.raised_at),
        "told": tag("div", [_told(one) for one in told]) if told else tag("span", TEXTS["nobody"], class_="faint"),
    }


def _told(one: Told) -> Markup:
    """Say through which account who was told, and what came of it."""
    people = "、".join(RECIPIENTS.get(role, role) for role in one.roles.split(",") if role)
    where = f"{VENDORS.get(one.vendor, one.vendor)} / {one.account}" if one.vendor else ""
    state, tone = STATES.get(one.state, (one.state, "calm"))
    return tag("div", "，".join(filter(None, (people, where))), " ", badge(state, tone))


def lasted(since: datetime, until: datetime) -> str:
    """Say how long something lasted, roughly."""
    seconds = (until - since).total_seconds()
    if seconds < 120:
        return TEXTS["seconds"].format(n=f"{seconds:.0f}")
    minutes = TEXTS["minutes"].format(n=f"{seconds / 60:.0f}")
    return minutes if seconds < 7200 else TEXTS["hours"].format(n=f"{seconds / 3600:.1f}")


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
