"""/messages-out: what was said to whom outside of the console, what came of it, and a test for every account."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.forms import cards
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, empty, failure, link, moment, order_url, section, tag, url
from clients.console.lists import pager, place_of, tabs
from clients.console.message_words import LEVELS, RECIPIENTS, STATES, VENDORS
from clients.console.words import said
from domain.errors import BadInput
from domain.permissions import Action
from store import audit, messaging
from store.reads.messages_out import AccountRow, MessageFilter, MessageRow, MessagesOut
from store.replay import By

TEXTS = {
    "title": "消息",
    "explain": "发给同事和买家的消息。谁收到什么、什么时候不打扰，在设置文档 messages 里改。",
    "tabs": "消息分组",
    "all": "全部",
    "nothing": "没有这样的消息。",
    "bad_page": "这个翻页地址不能用，请从第一页看起。",
    "first": "回到第一页",
    "accounts": "发送账号",
    "no_accounts": "还没有连接任何发送账号。",
    "no_accounts_next": "用 oms shop add 连接企业微信、钉钉、飞书、短信、电话或邮件。",
    "test": "发测试消息",
    "tested": "测试消息已排队，几秒后看下面的状态。",
    "nobody": "没有人",
    "merged": "（含另外 {n} 条）",
    "receipt": "回执 {receipt}",
}
COLUMNS = {
    "said": "时间",
    "level": "级别",
    "what": "内容",
    "about": "关于",
    "to": "发给",
    "state": "状态",
    "why": "说明",
}
ACCOUNT_COLUMNS = {
    "account": "账号",
    "name": "名称",
    "waiting": "等待",
    "refused": "被拒",
    "sent": "最近发送",
    "test": "",
}
QUERY = ("state", "vendor", "account", "kind")
LIVE_SECONDS = 2.0


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/messages-out")
    async def page(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/messages-out"), MessagesOut(desk.database)
    query = {name: value for name in QUERY if (value := request.query_params.get(name, ""))}

    async def read() -> Markup:
        try:
            page = await reads.page(MessageFilter(**query), place_of(request))
        except BadInput:
            return body(failure(TEXTS["bad_page"]), link("/messages-out", TEXTS["first"], class_="button"))
        content = [
            tag("h1", TEXTS["title"]),
            tag("p", TEXTS["explain"], class_="faint"),
            _tabs(query, await reads.counts()),
            cards(COLUMNS, [_row(row) for row in page.rows]) if page.rows else empty(TEXTS["nothing"]),
            pager(page, "/messages-out", query),
            section(TEXTS["accounts"], _accounts(frame, await reads.accounts())),
        ]
        return body(content)

    async def test(given: dict[str, str], by: By) -> str:
        account = given.get("account", "")
        async with desk.database.transaction() as tx:
            await messaging.say_test(tx, account, by.now)
            await audit.write(tx, "message.tested", account, by.now, actor=by.actor)
        return TEXTS["tested"]

    frame.on("test", Action.TEST_MESSAGE, test)
    await frame.show(read, LIVE_SECONDS)


def _tabs(query: dict[str, str], counts: dict[str, int]) -> Markup:
    rest, here = {name: value for name, value in query.items() if name != "state"}, query.get("state")
    items: list[tuple[str, str, object, bool]] = [(TEXTS["all"], url("/messages-out", **rest), None, here is None)]
    for state, (word, _) in STATES.items():
        address = url("/messages-out", state=state, **rest)
        items.append((word, address, None if rest else counts.get(state, 0), here == state))
    return tabs(items, TEXTS["tabs"])


def _row(row: MessageRow) -> dict[str, Child]:
    state, tone = STATES.get(row.state, (row.state, "calm"))
    level, loud = LEVELS.get(row.level, (row.level, "calm"))
    about: Child = row.subject
    if row.order_key:
        about = [row.subject, " ", link(order_url(row.order_key), row.order_key.rpartition(":")[2], class_="num")]
    merged = TEXTS["merged"].format(n=row.merged) if row.merged else None
    return {
        "said": moment(row.created_at),
        "level": badge(level, loud),
        "what": tag("div", tag("strong", row.title), merged, tag("div", row.text, class_="faint wrap")),
        "about": about,
        "to": _to(row),
        "state": badge(state, tone),
        "why": tag("span", _why(row), class_="wrap"),
    }


def _why(row: MessageRow) -> str:
    """Say the reason, or the vendor's receipt of what left."""
    if row.reason:
        return said(row.reason)
    return TEXTS["receipt"].format(receipt=row.receipt) if row.receipt else ""


def _to(row: MessageRow) -> list[Child]:
    people = "、".join(RECIPIENTS.get(role, role) for role in row.roles.split(",") if role)
    if not row.vendor:
        return [people or TEXTS["nobody"]]
    where = f"{VENDORS.get(row.vendor, row.vendor)} / {row.account}"
    address = url("/messages-out", vendor=row.vendor, account=row.account)
    return [link(address, where), tag("div", people, class_="faint") if people else None]


def _accounts(frame: Frame, rows: list[AccountRow]) -> Markup:
    if not rows:
        return empty(TEXTS["no_accounts"], TEXTS["no_accounts_next"])
    return cards(ACCOUNT_COLUMNS, [_account(frame, row) for row in rows], ("waiting", "refused"))


def _account(frame: Frame, row: AccountRow) -> dict[str, Child]:
    account = f"{row.vendor}/{row.code}"
    may = frame.may(Action.TEST_MESSAGE)
    button = tag("button", TEXTS["test"], data_act="test", data_account=account, disabled=not may, data_off=not may)
    refused = url("/messages-out", vendor=row.vendor, account=row.code, state="refused")
    return {
        "account": f"{VENDORS.get(row.vendor, row.vendor)} / {row.code}",
        "name": row.name,
        "waiting": str(row.waiting),
        "refused": link(refused, str(row.refused)) if row.refused else "0",
        "sent": moment(row.sent_at),
        "test": [button, None if may else tag("small", not_allowed(Action.TEST_MESSAGE), class_="faint")],
    }
