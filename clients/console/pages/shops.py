"""/shops: the connection board. Is each account heard, pulled and answered (INT-18, first part)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, framed, page_at
from clients.console.html import Child, badge, body, countdown, empty, link, moment, tag, url
from clients.settings import ClientSettings
from connectors import registry
from domain.call_limits import CROWDED, CallShare
from domain.connections import Connection, Lack, lacks
from domain.pulling import paced
from domain.shops import Role
from domain.timing import PullTiming
from domain.watch import AlertLimits
from store import call_counts, settings_docs
from store.reads.shops import ShopReads, ShopRow

TEXTS = {
    "title": "店铺与外部系统",
    "completeness": "订单完整性：按小时核对每家店铺",
    "shop": "账号",
    "role": "类型",
    "state": "状态",
    "pushed": "最近推送",
    "pulled": "最近拉取",
    "ordered": "最近新订单",
    "token": "授权到期",
    "stock": "库存推送",
    "waiting": "待发调用",
    "refused": "被拒绝",
    "unverified": "未验证",
    "never": "还没有",
    "well": "正常",
    "silent": "还没收到过消息",
    "off": "已停用",
    "failing": "连续 {n} 次拉取失败：{reason}",
    "expired": "授权已过期",
    "expiring": "授权快到期",
    "refusing": "有调用被拒绝",
    "unproven": "有消息未验证",
    "scheduled": "已安排",
    "unscheduled": "没有安排",
    "looked": "连接每小时检查一次，最近 {at} UTC",
    "empty": "还没有连接任何店铺或外部系统。",
    "empty_next": "用 oms shop add 连接，它会说明需要什么。",
    "pull_none": "没有列表可拉",
    "mail_never": "还没读过",
    "pull_off": "备用校验已关闭",
    "pull_failed": "还没拉成功",
    "push_none": "不推送，只能拉取",
    "push_out": "只发送",
    "stock_none": "不推送：缺少 {param}",
    "stock_never": "还没有",
    "stock_since": "落后，自",
    "stock_refused": "{n} 个被拒",
    "limited": "限流",
    "limited_of": "{limited} / {calls}",
    "limited_title": "最近 {minutes:.0f} 分钟的调用里被对方限流的",
    "crowded": "限流变多",
}
ROLES = {"sales": "销售渠道", "warehouse": "仓储系统", "courier": "物流服务", "payment": "支付", "messages": "消息",
         "invoices": "发票", "mail": "邮箱"}  # fmt: skip
LACKS = {
    "push": "有订单而没有推送",
    "pull_off": TEXTS["pull_off"],
    "unscheduled": "没有安排拉取",
    "pull_late": "很久没有拉取成功",
    "pull_failing": "拉取一直失败：{words}",
    "token_missing": "还没有授权",
    "token_expired": TEXTS["expired"],
    "token_soon": TEXTS["expiring"],
}
SAME = ("vendor", "backup", "pushed_at", "pulled_at", "order_at", "pull_failures", "pull_reason", "has_token",
        "token_expires_at", "silence_seconds")  # fmt: skip
"""What the row and a connection (domain/connections.py) call alike."""
SOON = timedelta(days=7)
ONLY_SENDS, SALES = {Role.MESSAGES.value, Role.INVOICES.value}, Role.SALES.value
NUMBERS = ("waiting", "refused", "unverified", "limited")


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/shops")
    async def shops(request: Request) -> None:
        frame, reads = framed(desk, request, TEXTS["title"], "/shops"), ShopReads(desk.database)

        async def read() -> Markup:
            rows, now = await reads.board(), desk.clock()
            async with desk.database.transaction() as tx:
                profile = ClientSettings().profile
                limits = await settings_docs.alert_limits(tx, profile)
                pace = (await settings_docs.timing(tx, profile)).pull
                shares = await call_counts.shares(tx, limits.limit_window_seconds, now)
                crowd = Crowd(shares, await call_counts.told(tx), limits.limit_window_seconds)
            told = {(row.vendor, row.code): lacking(row, limits, pace, now) for row in rows}
            content = _table(rows, told, crowd, now) if rows else empty(TEXTS["empty"], TEXTS["empty_next"])
            proof = tag("p", link("/completeness", TEXTS["completeness"], class_="open"))
            return body(tag("h1", TEXTS["title"]), proof, content)

        await frame.show(read)


def lacking(row: ShopRow, limits: AlertLimits, pace: PullTiming, now: datetime) -> list[Lack]:
    """List what the connection of a shop that sells lacks (INT-18)."""
    if row.role != SALES or not row.active:
        return []
    pull = registry.vendor(row.vendor).pull
    return lacks(
        Connection(
            **{name: getattr(row, name) for name in SAME},
            shop=row.code,
            since=row.created_at,
            pushes=registry.hears(row.vendor, row.params),
            pulls=pulls(row),
            token=bool(registry.vendor(row.vendor).token),
            scheduled=row.pull_scheduled,
            pull_period_seconds=(paced(pace, pull, pushes=pushes(row)) if pull else pace).period_seconds,
        ),
        limits,
        now,
    )


def health(row: ShopRow, found: list[Lack], now: datetime) -> tuple[str, str]:
    """Say how a connection is, worst first: words and tone."""
    worst = next((LACKS[one.what].format(words=one.words) for one in found if one.red), "")
    left = row.token_expires_at - now if row.token_expires_at else None
    faults: list[tuple[bool, str, str]] = [
        (not row.active, TEXTS["off"], "calm"),
        (worst != "", worst, "bad"),
        (left is not None and left <= timedelta(0), TEXTS["expired"], "bad"),
        (row.pull_failures > 0, TEXTS["failing"].format(n=row.pull_failures, reason=row.pull_reason), "bad"),
        (row.refused_calls > 0, TEXTS["refusing"], "bad"),
        (pulls(row) and pushes(row) and not row.backup, TEXTS["pull_off"], "bad"),
        (row.unverified > 0, TEXTS["unproven"], "warn"),
        (left is not None and left <= SOON, TEXTS["expiring"], "warn"),
        (row.role not in ONLY_SENDS and row.pushed_at is None and row.pulled_at is None, TEXTS["silent"], "warn"),
    ]
    return next(((words, tone) for ill, words, tone in faults if ill), (TEXTS["well"], "good"))


def pushes(row: ShopRow) -> bool:
    """Say whether the vendor of a connection sends messages by itself."""
    return registry.pushes(row.vendor)


def pulls(row: ShopRow) -> bool:
    """Say whether the vendor of a connection has a list of changes to pull."""
    return registry.vendor(row.vendor).pull is not None


def _no_push(row: ShopRow) -> str:
    """Say why a connection never pushed anything."""
    if row.role in ONLY_SENDS:
        return "push_out"
    return "never" if registry.hears(row.vendor, row.params) else "push_none"


def _no_pull(row: ShopRow) -> str:
    """Say why a connection was never pulled."""
    if row.role == Role.MAIL.value:
        return "mail_never"
    if not pulls(row):
        return "pull_none"
    return "pull_failed" if row.backup or not pushes(row) else "pull_off"


def _scheduled(row: ShopRow) -> Markup | None:
    """Say whether the engine pulls a shop at its period, once a worker has looked."""
    if not pulls(row) or row.pull_scheduled is None:
        return None
    words, tone = ("scheduled", "good") if row.pull_scheduled else ("unscheduled", "bad")
    return tag("div", badge(TEXTS[words], tone))


def _looked(row: ShopRow) -> str:
    return TEXTS["looked"].format(at=f"{row.looked_at:%m-%d %H:%M}")


def _stock(row: ShopRow) -> list[Child]:
    """Say how a shop is told of its stock, or why it is not (INV-6, INT-18)."""
    needs = registry.vendor(row.vendor)
    if needs.stock is None:
        return ["—"]
    if not registry.takes_stock(row.vendor, row.params):
        return [badge(TEXTS["stock_none"].format(param=needs.stock_with), "warn")]
    shown: list[Child] = [moment(row.stock_told_at, empty=TEXTS["stock_never"])]
    if row.stock_waits_since is not None:
        shown += [" ", badge(TEXTS["stock_since"], "warn"), moment(row.stock_waits_since)]
    if row.stock_refused:
        shown += [" ", badge(TEXTS["stock_refused"].format(n=row.stock_refused), "bad")]
    return shown


@dataclass(frozen=True)
class Crowd:
    """The calls of every account within the window, and the accounts that somebody is told of (INT-16)."""

    shares: Sequence[CallShare] = ()
    told: Collection[str] = ()
    seconds: float = 900.0

    def shown(self, row: ShopRow) -> Child:
        """Show how many of an account's calls were too many."""
        named = f"{row.vendor}/{row.code}"
        share = next((one for one in self.shares if f"{one.vendor}/{one.account}" == named), None)
        if share is None or not share.calls:
            return "—"
        counted = TEXTS["limited_of"].format(limited=share.limited, calls=share.calls)
        words = tag("span", counted, title=TEXTS["limited_title"].format(minutes=self.seconds / 60), class_="num")
        if named not in self.told:
            return words
        return [words, " ", link(url("/alerts", kind=CROWDED), badge(TEXTS["crowded"], "warn"))]


def _table(rows: list[ShopRow], told: Mapping[tuple[str, str], list[Lack]], crowd: Crowd, now: datetime) -> Markup:
    names = ("shop", "role", "state", "pushed", "pulled", "ordered", "stock", "token", *NUMBERS)
    heads = [tag("th", TEXTS[name], scope="col", class_="right" if name in NUMBERS else None) for name in names]
    body = tag("tbody", [_row(row, told[row.vendor, row.code], crowd, now) for row in rows])
    return tag("div", tag("table", tag("thead", tag("tr", heads)), body, class_="cards"), class_="scroll")


def _row(row: ShopRow, found: list[Lack], crowd: Crowd, now: datetime) -> Markup:
    words, tone = health(row, found, now)
    messages = link(
        url("/inbox", source=row.vendor, shop=row.code),
        f"{row.vendor} / {row.code}",
        class_="open",
        data_key=f"{row.vendor}/{row.code}",
    )
    unproven = url("/inbox", source=row.vendor, shop=row.code, state="unverified")
    cells: dict[str, Child] = {
        "shop": messages,
        "role": ROLES.get(row.role, row.role),
        "state": badge(words, tone) if row.looked_at is None else tag("span", badge(words, tone), title=_looked(row)),
        "pushed": moment(row.pushed_at, empty=TEXTS[_no_push(row)]),
        "pulled": [moment(row.pulled_at, empty=TEXTS[_no_pull(row)]), _scheduled(row)],
        "ordered": moment(row.order_at, empty="—"),
        "stock": _stock(row),
        "token": countdown(row.token_expires_at, empty="—"),
        "waiting": str(row.waiting),
        "refused": str(row.refused_calls),
        "unverified": link(unproven, str(row.unverified)) if row.unverified else "0",
        "limited": crowd.shown(row),
    }
    return tag(
        "tr",
        [
            tag("td", content, data_label=TEXTS[name], class_="right" if name in NUMBERS else None)
            for name, content in cells.items()
        ],
    )
