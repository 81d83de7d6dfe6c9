"""/: what is wrong now, and what will be late today. Worst first; each number leads to its list."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, framed, page_at
from clients.console.html import Child, age, badge, body, empty, link, moment, order_url, section, table, tag, url
from clients.console.lists import end_of_day, order_table, zone_of
from clients.console.words import CALLS, LEVELS, said
from store.reads.cases import CaseCounts, CaseReads
from store.reads.overview import FailingPull, Overview, OverviewReads
from store.reads.pages import Count

TEXTS = {
    "title": "总览",
    "well": "现在一切正常",
    "well_next": "没有卡住、超期或未处理的告警。",
    "ill": "现在有 {n} 类问题需要处理",
    "critical": "紧急告警",
    "alerts": "其他告警",
    "overdue": "已超期",
    "stuck": "卡住的订单",
    "held": "暂停的订单",
    "due": "今天到期",
    "failed": "未入账的消息",
    "unparsable": "读不懂的消息",
    "unverified": "未验证的消息",
    "refused": "被拒绝的调用",
    "pulls": "拉单失败的店铺",
    "open": "未完成的订单",
    "cases_overdue": "售后已超时",
    "cases_due": "售后今天到期",
    "why_stuck": "为什么卡住",
    "none_stuck": "没有订单卡住。",
    "soonest": "接下来到期",
    "none_due": "今天没有要到期的订单。",
    "backlog": "队列",
    "no_backlog": "没有积压。",
    "failing": "拉单失败",
    "all_due": "今天到期的全部订单",
}
QUEUES = {"observation": "等待入账", "delivery": "等待通知流程", "reread": "等待重读", **CALLS}
PULLS = {"order": "订单", "case": "售后"}
LANES = {"urgent": "紧急", "normal": "普通", "later": "靠后", "edits": "备注修改"}


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/")
    async def overview(request: Request) -> None:
        frame = framed(desk, request, TEXTS["title"], "/")
        reads, zone = OverviewReads(desk.database), zone_of(request)

        async def read() -> Markup:
            now = desk.clock()
            until = end_of_day(now, zone)
            return _page(await reads.now(now, until), await CaseReads(desk.database).counts(now, until))

        await frame.show(read, seconds=2.0)


def _page(found: Overview, cases: CaseCounts) -> Markup:
    wrong, soon = _figures(found, cases)
    content: list[Child] = [tag("h1", TEXTS["ill"].format(n=len(wrong)) if wrong else TEXTS["well"])]
    content.append(tag("ul", wrong, class_="figures") if wrong else tag("p", badge(TEXTS["well_next"], "good")))
    content.append(tag("ul", soon, class_="figures"))
    content.append(tag("div", tag("div", _why_stuck(found), _failing(found)), _backlog(found), class_="two"))
    content.append(section(TEXTS["soonest"], order_table(found.soonest, TEXTS["none_due"])))
    return body(content)


def _figures(found: Overview, cases: CaseCounts) -> tuple[list[Markup], list[Markup]]:
    """Give what is wrong, worst first, and what is to come."""
    counts, messages = found.counts, found.messages
    critical = found.alerts.get(next(iter(LEVELS)), 0)
    rows: list[tuple[str, Count, str, str]] = [
        ("critical", Count(critical), "/alerts?level=1-critical", "bad"),
        ("overdue", counts.overdue, url("/orders", due="now"), "bad"),
        ("stuck", counts.stuck, url("/orders", stuck=1), "bad"),
        ("cases_overdue", cases.overdue, url("/cases", due="now"), "bad"),
        ("failed", messages.failed, url("/inbox", state="failed"), "bad"),
        ("refused", messages.refused_calls, "/shops", "bad"),
        ("pulls", Count(len(found.failing_pulls)), "/shops", "bad"),
        ("alerts", Count(sum(found.alerts.values()) - critical), "/alerts", "warn"),
        ("unparsable", messages.unparsable, url("/inbox", state="unparsable"), "warn"),
        ("unverified", messages.unverified, url("/inbox", state="unverified"), "warn"),
    ]
    wrong = [_figure(name, n, address, tone) for name, n, address, tone in rows if n.n]
    soon = [
        _figure("due", counts.due, url("/orders", due="today"), "warn" if counts.due.n else ""),
        _figure("cases_due", cases.due, url("/cases", due="today"), "warn" if cases.due.n else ""),
        _figure("held", counts.held, url("/orders", held=1), ""),
        _figure("open", counts.open, "/orders", ""),
    ]
    return wrong, soon


def _figure(name: str, n: Count, address: str, tone: str) -> Markup:
    return tag("li", link(address, tag("b", str(n)), TEXTS[name], id=f"figure-{name}"), class_=tone or None)


def _why_stuck(found: Overview) -> Markup:
    if not found.stuck:
        return section(TEXTS["why_stuck"], empty(TEXTS["none_stuck"]))
    rows = [
        tag(
            "tr",
            tag("td", link(url("/orders", stuck=1), _short(one.reason), class_="open")),
            tag("td", str(one.n), class_="right"),
            tag("td", age(one.since)),
            tag("td", link(order_url(one.example), one.example.split(":", 2)[-1], class_="num")),
        )
        for one in found.stuck
    ]
    return section(TEXTS["why_stuck"], table(["原因", "订单", "最久", "例如"], rows, numbers=(1,)))


def _short(reason: str) -> str:
    """Say the beginning of a stuck order's reason."""
    known = {"out of stock": "缺货", "to be reviewed": "待审核", "held": "已暂停"}
    known |= {"sale stopped by the oversell breaker": "超卖熔断", "sale stopped by hand": "人工停售"}
    return known.get(reason, said(reason))


def _reasons(one: FailingPull) -> list[Child]:
    """Say why each list fails; once where both fail for the same reason."""
    why: dict[str, list[str]] = {}
    for kind, reason in zip(one.kinds, one.reasons, strict=True):
        why.setdefault(said(reason), []).append(PULLS.get(kind, kind))
    return [tag("div", tag("b", "、".join(kinds)), f"：{reason}") for reason, kinds in why.items()]


def _failing(found: Overview) -> Markup | None:
    if not found.failing_pulls:
        return None
    rows = [
        tag(
            "tr",
            tag("td", f"{one.vendor} / {one.shop}"),
            tag("td", str(one.failures), class_="right"),
            tag("td", _reasons(one), class_="wrap"),
            tag("td", moment(one.watermark)),
        )
        for one in found.failing_pulls
    ]
    return section(TEXTS["failing"], table(["店铺", "连续失败", "原因", "已拉到"], rows, numbers=(1,)))


def _backlog(found: Overview) -> Markup:
    if not found.backlogs:
        return section(TEXTS["backlog"], empty(TEXTS["no_backlog"]))
    rows = [
        tag(
            "tr",
            tag("td", QUEUES.get(one.queue, one.queue)),
            tag("td", LANES.get(one.about, one.about)),
            tag("td", str(one.n), class_="right"),
            tag("td", age(one.oldest)),
        )
        for one in found.backlogs
    ]
    return section(TEXTS["backlog"], table(["队列", "分组", "条数", "最久"], rows, numbers=(2,)))
