"""/cases: the queue of after-sales cases by deadline, worst first; the filters are the address (EXC-4, AFT-5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request

from clients.console.case_deciding import bring
from clients.console.case_lists import HEADS, case_table
from clients.console.case_words import DIMENSIONS, KINDS, STATES, value_words
from clients.console.forms import chooser, field
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, empty, failure, join, link, tag, url
from clients.console.lists import end_of_day, pager, place_of, tabs, zone_of
from clients.console.words import CARRIERS
from clients.settings import ClientSettings
from domain.after_sales import CaseDecision, CaseState, Choice
from domain.after_sales_policy import Policy
from domain.errors import BadInput
from domain.permissions import Action
from store import settings_docs
from store.reads.cases import OPEN_STATES, CaseCounts, CaseFilter, CaseReads, CaseRow
from store.reads.order_search import split
from store.reads.pages import Page
from store.replay import By

PATH = "/cases"
TEXTS = {
    "title": "售后",
    "reports": "统计",
    "open": "未结",
    "mine": "我的",
    "nobodys": "无人处理",
    "overdue": "已超时",
    "due": "今天到期",
    "closed": "已结束",
    "tabs": "售后分组",
    "filter": "筛选",
    "clear": "清除",
    "any": "不限",
    "kind": "类型",
    "channel": "渠道",
    "shop": "店铺",
    "owner": "负责人",
    "reason": "原因",
    "from": "申请从",
    "to": "申请到（含）",
    "search": "售后单号、订单号、运单号",
    "find": "查找",
    "found": "找到 {n} 张售后单",
    "not_found": "没有找到这些号码的售后单。",
    "not_found_next": "请核对号码；还没有售后单时，可在订单页点“申请售后”。",
    "calm": "现在没有要处理的售后。",
    "calm_next": "买家申请、平台发起或客服登记后，会按期限出现在这里。",
    "nothing": "没有符合条件的售后单。",
    "nothing_next": "换个条件，或清除筛选。",
    "bad_filter": "这个筛选条件不能用，请清除后再试。",
    "take": "由我处理",
    "drill": "{dimension}：{value}",
}
GROUPS = ("state", "due", "mine", "nobodys")
FILTERS = ("kind", "channel", "shop", "owner", "reason", "by", "value", "from", "to")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    query: dict[str, str]
    wanted: CaseFilter
    words: str


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at(PATH)
    async def queue(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, zone, reads = framed(desk, request, TEXTS["title"], PATH), zone_of(request), CaseReads(desk.database)

    async def read() -> Markup:
        if not frame.may(Action.SEE_CASES):
            return body(empty(not_allowed(Action.SEE_CASES)))
        now, reasons = desk.clock(), await reason_words(desk)
        head = tag(
            "div", tag("h1", TEXTS["title"]), link(f"{PATH}/reports", TEXTS["reports"], class_="button"),
            class_="row headed",
        )  # fmt: skip
        try:
            asked = _asked(request, frame.session.login, now, zone)
            found = await _rows(reads, asked, request)
        except BadInput:
            return body(head, failure(TEXTS["bad_filter"]), link(PATH, TEXTS["clear"], class_="button"))
        counts = await reads.counts(now, end_of_day(now, zone), frame.session.login)
        tools = tag("div", _search(asked), _filters(asked, reasons), class_="case-tools")
        return body(head, _tabs(asked, counts), tools, _drilled(asked), _table(frame, asked, found, reasons))

    async def take(given: dict[str, str], by: By) -> str:
        return await bring(frame, given.get("no", ""), CaseDecision(Choice.TAKE, by.actor), token_hex(8))

    frame.on("take", Action.SEE_CASES, take)
    await frame.show(read)


async def policy_of(desk: Desk) -> Policy:
    """Read the policy in force."""
    async with desk.database.transaction() as tx:
        return await settings_docs.after_sales(tx, ClientSettings().profile)


async def reason_words(desk: Desk) -> dict[str, str]:
    """Give the words of the reasons in force, by code."""
    return {reason.code: reason.words for reason in (await policy_of(desk)).reasons}


async def _rows(reads: CaseReads, asked: Asked, request: Request) -> Page[CaseRow]:
    if asked.words:
        return Page(await reads.find(split(asked.words)))
    return await reads.page(asked.wanted, place_of(request))


def _asked(request: Request, me: str, now: datetime, zone: ZoneInfo) -> Asked:
    query = {name: value for name in (*GROUPS, *FILTERS) if (value := request.query_params.get(name, "").strip())}
    drilled = bool(query.keys() & {"by", "from", "to"})
    wanted = CaseFilter(
        state=query.get("state"),
        kind=query.get("kind"),
        channel=query.get("channel"),
        shop=query.get("shop"),
        owner=me if query.get("mine") else query.get("owner"),
        nobodys=bool(query.get("nobodys")),
        due_before={"now": now, "today": end_of_day(now, zone)}.get(query.get("due", "")),
        reason=query.get("reason"),
        dimension=query.get("by"),
        value=query.get("value", "") if "by" in query else None,
        opened_from=day_of(query.get("from"), zone),
        opened_to=day_of(query.get("to"), zone, days=1),
        closed_too=drilled and not query.keys() & {"due", "mine", "nobodys"},
    )
    return Asked(query, wanted, request.query_params.get("q", "").strip()[:2000])


def day_of(words: str | None, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """Read a day of the viewer's zone; raise BadInput when it is none."""
    if not words:
        return None
    try:
        return (datetime.strptime(words, "%Y-%m-%d").replace(tzinfo=zone) + timedelta(days=days)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{words!r} is no date") from None


def _tabs(asked: Asked, counts: CaseCounts) -> Markup:
    kept = {name: value for name, value in asked.query.items() if name in FILTERS}
    groups: list[tuple[str, dict[str, str], object]] = [
        (TEXTS["open"], {}, counts.open),
        (TEXTS["overdue"], {"due": "now"}, counts.overdue),
        (TEXTS["due"], {"due": "today"}, counts.due),
        (TEXTS["mine"], {"mine": "1"}, counts.mine),
        (TEXTS["nobodys"], {"nobodys": "1"}, counts.nobodys),
        *((STATES[state][0], {"state": state}, counts.by_state[state]) for state in OPEN_STATES),
        (TEXTS["closed"], {"state": CaseState.CLOSED.value}, None),
    ]
    here = {name: value for name, value in asked.query.items() if name in GROUPS}
    return tabs(
        [
            (word, url(PATH, **group, **kept), count, group == here and not asked.words)
            for word, group, count in groups
            if group.get("state") != CaseState.CHECKING.value or str(count) != "0"
        ],
        TEXTS["tabs"],
    )


def _search(asked: Asked) -> Markup:
    entry = tag(
        "input", name="q", type="search", value=asked.words, placeholder=TEXTS["search"], aria_label=TEXTS["search"],
        maxlength=2000, autocomplete="off", class_="long", id="case-q", data_keep=True,
    )  # fmt: skip
    return tag("form", entry, tag("button", TEXTS["find"]), class_="filters", action=PATH)


def _filters(asked: Asked, reasons: Mapping[str, str]) -> Markup:
    query = asked.query
    kept = [tag("input", type="hidden", name=name, value=query[name]) for name in GROUPS if name in query]
    fields = [
        chooser(TEXTS["kind"], "kind", {"": TEXTS["any"], **KINDS}, query.get("kind", "")),
        chooser(TEXTS["reason"], "reason", {"": TEXTS["any"], **reasons}, query.get("reason", "")),
        field(TEXTS["channel"], "channel", value=query.get("channel", ""), size=8, maxlength=40),
        field(TEXTS["shop"], "shop", value=query.get("shop", ""), size=8, maxlength=80),
        field(TEXTS["owner"], "owner", value=query.get("owner", ""), size=8, maxlength=80),
        field(TEXTS["from"], "from", type="date", value=query.get("from", "")),
        field(TEXTS["to"], "to", type="date", value=query.get("to", "")),
    ]
    given = any(name in query for name in FILTERS)
    clear = link(PATH, TEXTS["clear"], class_="button") if given else None
    form = tag("form", join(kept), fields, tag("button", TEXTS["filter"]), clear, class_="filters", action=PATH)
    return tag("details", tag("summary", TEXTS["filter"]), form, class_="filtering", open=given)


def _drilled(asked: Asked) -> Child:
    """Say what somebody who came from a report looks at."""
    by = asked.query.get("by", "")
    if by not in DIMENSIONS:
        return None
    value = asked.query.get("value", "")
    words = CARRIERS.get(value, value_words(by, value)) if by == "courier" else value_words(by, value)
    return tag("p", badge(TEXTS["drill"].format(dimension=DIMENSIONS[by], value=words), "calm"))


def _table(frame: Frame, asked: Asked, found: Page[CaseRow], reasons: Mapping[str, str]) -> Child:
    if not found.rows:
        name = "not_found" if asked.words else "nothing" if asked.query else "calm"
        return empty(TEXTS[name], TEXTS[f"{name}_next"])
    told = tag("p", TEXTS["found"].format(n=len(found.rows)), class_="faint") if asked.words else None
    takes = {row.no: _take(row, frame.session.login) for row in found.rows}
    return [told, case_table(found.rows, reasons, tuple(HEADS), takes), pager(found, PATH, asked.query)]


def _take(row: CaseRow, me: str) -> Child:
    if row.closed_at is not None or row.owner == me:
        return None
    return tag("button", TEXTS["take"], data_act="take", data_no=row.no, id=f"take-{row.no}")
