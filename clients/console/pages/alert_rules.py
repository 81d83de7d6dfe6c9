"""/alerts/rules: which alerts there are, from where on each is one, and who is told by which way (CFG-1, OPS-3).

Both are settings documents and changed there; what has no limit in a document is told at once or by a fixed count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, link, moment, tag, url
from clients.console.lists import tabs
from clients.console.message_words import LEVELS, RECIPIENTS, VENDORS
from clients.console.pages.alerts import listed
from clients.console.setting_shapes import MISSING, Record, Shape, record_of
from clients.console.setting_words import document, label, told_value
from clients.console.words import ALERTS
from clients.settings import ClientSettings
from domain.messages import BUYER, MessageRules, Rule
from domain.permissions import Action
from store import settings_docs
from store.reads.alerts import AlertReads, KindCount
from store.settings_docs import DOCUMENTS

TEXTS = {
    "title": "告警规则",
    "alerts": "告警",
    "open": "未处理",
    "all": "全部记录",
    "rules": "规则",
    "tabs": "告警分组",
    "lead": "什么情况告警、告诉谁，都是设置：改阈值点阈值下的设置，改通知对象点“消息”。原因消除后告警自动解除。",
    "to_alerts": "改阈值：{name}",
    "to_messages": "改通知谁：{name}",
    "nobody": "只在控制台显示",
    "no_account": "设置里没有账号",
    "not_connected": "账号未连接",
    "at_once": "发生就告警",
    "no_wait": "夜间也发",
    "from_level": "{level}起",
    "lately": "{n} 次",
}
HEADS = {
    "kind": "告警",
    "limits": "何时告警",
    "told": "告诉谁",
    "open": "未处理",
    "lately": "近 30 天",
    "last": "最近一次",
}
LATELY = timedelta(days=30)
PATH = "/alerts/rules"
LIMITS: dict[str, tuple[str, tuple[str, ...]]] = {
    "lag": ("alerts", ("apply_lag_seconds", "deliver_lag_seconds")),
    "surge": ("alerts", ("shed_percent", "calm_percent")),
    "schedule_to_start": ("alerts", ("schedule_to_start_seconds",)),
    "calls_exhausted": ("alerts", ("call_waiting_seconds", "call_attempts", "refused_window_seconds")),
    "oversize_payload": ("alerts", ("oversize_window_seconds",)),
    "stock_behind": ("alerts", ("stock_push_seconds",)),
    "silence": ("alerts", ("silence_seconds",)),
    "connection": ("alerts", ("push_quiet_seconds", "connection_seconds")),
    "limits": ("alerts", ("limit_percent", "limit_calls", "limit_window_seconds")),
    "rehearsal_due": ("alerts", ("rehearse_ahead_days", "promotions")),
    "no_pollers": ("alerts", ("watch_seconds",)),
    "workflow_task_failures": ("alerts", ("watch_seconds",)),
    "oversell_breaker": ("stock", ("breaker_failures", "breaker_window_seconds")),
    "backlog": ("stock", ("backlog_percent",)),
    "count_inaccurate": ("stock", ("count_target_percent",)),
    "inbound_late": ("stock", ("inbound_late_seconds",)),
    "presale_supply_late": ("stock", ("inbound_late_seconds",)),
    "refund_unheard": ("stock", ("refund_poll_seconds",)),
    "gap": ("timing", ("roll_heal_seconds",)),
    "approval_late": ("timing", ("approval_escalate_seconds",)),
    "approval_waiting": ("timing", ("approval_remind_seconds",)),
    "ship_by_1": ("timing", ("ship_warning_seconds",)),
    "ship_by_2": ("timing", ("ship_by_seconds",)),
    "unknown_status": ("status_map", ()),
}
"""In which settings document the limits of a kind stand, and what they are called there."""
FIXED = {
    "pull": "连续 3 次拉取失败",
    "signatures": "5 分钟内第 5 条验签失败",
    "roll": "连续 3 次不能列出订单",
    "queue": "连不上超过 5 分钟",
    "drift": "时间相差超过 10 分钟",
    "observation_failed": "5 次入账出错，或等了 200 次",
}


@dataclass(frozen=True)
class Known:
    """What the page shows: the documents in force, who is told, the accounts there are, how many alerts there were."""

    bodies: Mapping[str, Mapping[str, Any]]
    rules: MessageRules
    accounts: frozenset[str]
    counts: Mapping[str, KindCount]


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at(PATH)
    async def page(request: Request) -> None:
        frame, reads = framed(desk, request, TEXTS["title"], "/alerts"), AlertReads(desk.database)

        async def read() -> Markup:
            known = await _look(desk, reads)
            edit = None if frame.may(Action.EDIT_SETTINGS) else tag("small", not_allowed(Action.EDIT_SETTINGS))
            ways = [
                link(f"/settings/{kind}", TEXTS[words].format(name=document(kind)[0]), class_="button")
                for kind, words in (("alerts", "to_alerts"), ("messages", "to_messages"))
            ]
            lead = tag("p", TEXTS["lead"], class_="faint")
            lines = [_row(kind, known) for kind in ordered(known.counts)]
            return body(tag("h1", TEXTS["title"]), _tabs(), lead, tag("div", ways, edit, class_="filters"),
                        listed(HEADS, lines))  # fmt: skip

        await frame.show(read)


async def _look(desk: Desk, reads: AlertReads) -> Known:
    counts = await reads.kinds(desk.clock() - LATELY)
    async with desk.database.transaction() as tx:
        kinds = sorted({kind for kind, names in LIMITS.values() if names})
        bodies = {kind: await settings_docs.in_force(tx, kind) for kind in kinds}
        rules = await settings_docs.message_rules(tx, ClientSettings().profile)
    return Known(bodies, rules, frozenset(await reads.shops()), counts)


def ordered(counts: Mapping[str, KindCount]) -> list[str]:
    """Name every kind, also one without words: those that are open first, then those that were lately, by name."""
    kinds = ALERTS.keys() | counts.keys()
    none = KindCount()
    return sorted(
        kinds, key=lambda one: (-counts.get(one, none).open, -counts.get(one, none).lately, ALERTS.get(one, one))
    )


def _tabs() -> Markup:
    items: list[tuple[str, str, object, bool]] = [
        (TEXTS["open"], "/alerts", None, False),
        (TEXTS["all"], "/alerts?all=1", None, False),
        (TEXTS["rules"], PATH, None, True),
    ]
    return tabs(items, TEXTS["tabs"])


def _row(kind: str, known: Known) -> dict[str, Child]:
    count = known.counts.get(kind, KindCount())
    name = [tag("strong", ALERTS.get(kind, kind)), tag("div", kind, class_="faint num")]
    history = link(url("/alerts", all=1, kind=kind), TEXTS["lately"].format(n=count.lately)) if count.lately else "—"
    return {
        "kind": tag("div", name, data_key=kind),
        "limits": limits_of(kind, known.bodies),
        "told": told_of(kind, known.rules, known.accounts),
        "open": link(url("/alerts", kind=kind), badge(str(count.open), "warn")) if count.open else "0",
        "lately": history,
        "last": moment(count.last),
    }


def limits_of(kind: str, bodies: Mapping[str, Mapping[str, Any]]) -> Child:
    """Say from where on something is an alert of this kind, each limit a link to where it is changed."""
    if kind not in LIMITS:
        return FIXED.get(kind) or tag("span", TEXTS["at_once"], class_="faint")
    where, names = LIMITS[kind]
    address = f"/settings/{where}"
    if not names:
        return [tag("span", TEXTS["at_once"], class_="faint"), " ", link(address, document(where)[0])]
    shapes, found, profile = shapes_of(where), bodies.get(where, {}), ClientSettings().profile.value
    values = {name: tag("span", _value(shapes, name, found, profile), class_="num") for name in names}
    return tag("div", [tag("div", link(address, label(name)), " ", value) for name, value in values.items()])


@cache
def shapes_of(kind: str) -> Mapping[str, Shape]:
    """Give the shape of every value of a document."""
    return {one.name: one.shape for one in record_of(DOCUMENTS[kind].model_json_schema()).fields}


def _value(shapes: Mapping[str, Shape], name: str, found: Mapping[str, Any], profile: str) -> str:
    value, shape = found.get(name, MISSING), shapes.get(name)
    if isinstance(value, Mapping) and profile in value and isinstance(shape, Record):
        inner = next(one.shape for one in shape.fields if one.name == profile)
        return told_value(inner, value[profile])
    return told_value(shape, value) if shape is not None else str(value)


def told_of(kind: str, rules: MessageRules, accounts: frozenset[str]) -> Child:
    """Say who hears of a kind and through which account; a row for one level only says from which one on."""
    found = rules_for(kind, rules)
    if not found:
        return tag("span", TEXTS["nobody"], class_="faint")
    return tag("div", [_rule(rule, rules, accounts) for rule in found])


def rules_for(kind: str, rules: MessageRules) -> list[Rule]:
    """List the rows that decide about a kind: the first that fits, and those that fit where it is too quiet for it."""
    found: list[Rule] = []
    for level in reversed(list(LEVELS)):
        rule = rules.of_alert(kind, level)
        if rule is not None and rule not in found:
            found.append(rule)
    return found


def _rule(rule: Rule, rules: MessageRules, accounts: frozenset[str]) -> Markup:
    roles = [role for role in rule.to if role != BUYER]
    people = "、".join(RECIPIENTS.get(role, role) for role in roles)
    marks: list[Child] = [" ", badge(TEXTS["no_wait"], "calm")] if not rule.quiet else []
    if rule.level != "note":
        marks += [" ", badge(TEXTS["from_level"].format(level=LEVELS[rule.level][0]), "calm")]
    ways = [_way(account, accounts) for account in rules.accounts(roles)]
    return tag("div", people, marks, tag("div", ways or TEXTS["no_account"], class_="faint"))


def _way(account: str, accounts: frozenset[str]) -> Markup:
    vendor, _, code = account.partition("/")
    words = f"{VENDORS.get(vendor, vendor)} / {code}"
    missing = [" ", badge(TEXTS["not_connected"], "warn")] if account not in accounts else None
    return tag("div", words, missing)
