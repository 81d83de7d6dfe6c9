"""/inbox/{id}: one message, what became of it, its body on demand (on record), and its second way in."""

import json

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, order_url, section, table, tag
from clients.console.pages.messages import TONES
from clients.console.words import MESSAGE_STATES, WAYS, said
from clients.replay import MessageName, Replayer, message_name
from domain.errors import BadInput
from domain.permissions import Action
from store.opening import Opening
from store.reads.inbox import InboxReads, MessagePage
from store.replay import By

TEXTS = {
    "inbox": "收件箱",
    "title": "消息 {name}",
    "missing": "没有这条消息：{name}",
    "missing_next": "未验证的消息只保留 30 天。",
    "replay": "重放",
    "replay_why": "按今天的密钥和格式再读一次；已经接收过的不会重复。",
    "open": "查看原文（会记录）",
    "open_why": "原文含个人信息。谁在什么时候看过，会记入审计。",
    "opened": "已显示原文，并记入审计。",
    "raw": "原文",
    "parts": "消息里的观察",
    "no_parts": "没有读出任何观察。",
    "bytes": "{n} 字节",
    "replayed": "{name}：{words}。",
}
LABELS = {
    "source": "来自",
    "way": "方式",
    "received": "收到",
    "state": "状态",
    "key": "消息键",
    "reason": "原因",
    "size": "大小",
    "headers": "请求头",
}
MOST_RAW = 200_000


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/inbox/{name}")
    async def message(request: Request, name: str) -> None:
        await _draw(desk, request, name)


async def _draw(desk: Desk, request: Request, words: str) -> None:
    frame, reads = framed(desk, request, TEXTS["title"].format(name=words), "/inbox"), InboxReads(desk.database)
    opened: list[bytes] = []

    async def read() -> Markup:
        found = await _find(reads, words)
        if found is None:
            content: Child = empty(TEXTS["missing"].format(name=words), TEXTS["missing_next"])
        else:
            content = _content(frame, words, found, opened)
        return body(content)

    async def replay(_: dict[str, str], by: By) -> str:
        result = await Replayer(desk.database, desk.ring, by.actor, desk.clock).replay(message_name(words))
        told = TEXTS["replayed"].format(name=words, words=said(result.words))
        if not result.done:
            raise BadInput(told)
        return told

    async def open_raw(_: dict[str, str], by: By) -> str:
        name, opening = await _body_name(reads, message_name(words)), Opening(desk.database, desk.ring)
        found = await (opening.unverified(name.id, by) if name.kind else opening.message(name.id, by))
        opened[:] = [found.raw] if found else []
        return TEXTS["opened"]

    frame.on("replay", Action.REPLAY, replay)
    frame.on("open", Action.OPEN_RAW, open_raw)
    await frame.show(read)


async def _body_name(reads: InboxReads, name: MessageName) -> MessageName:
    """Name the message that holds the body; an observation leads to the message that it came with."""
    if name.kind != "o":
        return name
    inbox_id = await reads.inbox_of(name.id)
    if inbox_id is None:
        raise BadInput(TEXTS["missing"].format(name=name))
    return MessageName("", inbox_id)


async def _find(reads: InboxReads, words: str) -> MessagePage | None:
    try:
        name = await _body_name(reads, message_name(words))
    except BadInput:
        return None
    return await (reads.unverified_page(name.id) if name.kind else reads.page(name.id))


def _content(frame: Frame, words: str, page: MessagePage, opened: list[bytes]) -> list[Child]:
    return [
        tag("h1", link("/inbox", TEXTS["inbox"]), " / ", tag("span", words, class_="num")),
        tag("section", _facts(page), _buttons(frame, page, bool(opened)), class_="card first"),
        section(TEXTS["raw"], tag("pre", _readable(opened[0]), class_="raw mono", id="raw")) if opened else None,
        _parts(page),
    ]


def _facts(page: MessagePage) -> Markup:
    row = page.message
    state = "replayed" if row.replayed_at else row.state
    shown: dict[str, Child] = {
        "source": f"{row.source} / {row.shop}",
        "way": WAYS.get(row.way, row.way),
        "received": moment(row.received_at),
        "state": badge(MESSAGE_STATES.get(state, state), TONES.get(state, "calm")),
        "key": row.key,
        "reason": said(row.reason),
        "size": TEXTS["bytes"].format(n=row.size_bytes),
        "headers": "、".join(f"{name}: {value}" for name, value in sorted(row.headers.items())),
    }
    pairs = [(tag("dt", LABELS[name]), tag("dd", value)) for name, value in shown.items() if value]
    return tag("dl", [child for pair in pairs for child in pair])


def _buttons(frame: Frame, page: MessagePage, opened: bool) -> Markup:
    row, buttons = page.message, []
    failed = any(one.state in {"failed", "unmapped"} for one in page.observations)
    if frame.may(Action.REPLAY) and ((row.state in {"unverified", "unparsable"} and not row.replayed_at) or failed):
        buttons.append(
            tag(
                "div",
                tag("button", TEXTS["replay"], data_act="replay", id="replay", class_="primary"),
                tag("small", TEXTS["replay_why"]),
            )
        )
    if frame.may(Action.OPEN_RAW) and not opened:
        buttons.append(
            tag("div", tag("button", TEXTS["open"], data_act="open", id="open-raw"), tag("small", TEXTS["open_why"]))
        )
    return tag("div", buttons, class_="acts below")


def _parts(page: MessagePage) -> Markup:
    if not page.observations:
        return section(TEXTS["parts"], empty(TEXTS["no_parts"]))
    rows = [
        tag(
            "tr",
            tag("td", link(f"/inbox/o{one.id}", f"o{one.id}", class_="num")),
            tag("td", one.kind),
            tag("td", link(order_url(one.subject), one.subject) if one.subject.count(":") >= 2 else one.subject),
            tag("td", badge(MESSAGE_STATES.get(one.state, one.state), "bad" if one.state == "failed" else "calm")),
            tag("td", said(one.reason), class_="wrap"),
        )
        for one in page.observations
    ]
    return section(TEXTS["parts"], table(["观察", "种类", "关于", "状态", "原因"], rows))


def _readable(raw: bytes) -> str:
    """Show a body as text, JSON indented; a stranger's bytes never become markup."""
    words = raw[:MOST_RAW].decode(errors="backslashreplace")
    try:
        return json.dumps(json.loads(words), ensure_ascii=False, indent=2)
    except ValueError:
        return words
