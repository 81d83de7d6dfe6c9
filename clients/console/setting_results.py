"""What a changed settings document does: its differences, its faults, and what past orders would have been (CFG-1)."""

from collections.abc import Sequence

from markupsafe import Markup

from clients.console.case_lists import case_url
from clients.console.forms import cards
from clients.console.html import Child, badge, empty, link, order_url, section, table, tag
from clients.console.setting_diff import MOST, Changed
from clients.console.setting_faults import Told
from clients.console.words import said
from store.settings_past import MOST_SHOWN, Past, PastChange
from store.settings_trial import Trial

TEXTS = {
    "changes": "改动（{n} 处）",
    "no_change": "和生效的版本一样，没有改动。",
    "more": "只列出前 {n} 处。",
    "place": "位置",
    "before": "原来",
    "after": "改后",
    "faults": "{n} 处需要修改",
    "whole": "整份设置",
    "trial": "试一试的结果",
    "sentence": "如果用这份草稿，最近 {tried} 个{noun}里有 {changed} 个会改变。",
    "none_changes": "最近 {tried} 个{noun}，没有一个会改变。",
    "no_past": "还没有过去的{noun}可以试。",
    "no_trial": "这份设置不对单个订单作判断，没有可以重算的历史；生效后影响之后的每一步。",
    "nothing_changed": "只是试算，没有改动任何东西。",
    "kinds": "怎么改变",
    "count": "数量",
    "key": "订单",
    "case": "售后单",
    "shown": "列出 {n} 个（最多 {most} 个）。",
    "nothing_said": "直接放行",
    "booked": "{channel} 的状态码 {code}：有 {n} 条等待的消息会入账。",
}
NOUNS = {"orders": "订单", "cases": "售后单"}


def changes(found: Sequence[Changed], title: str = "") -> Markup:
    """Draw differences, old and new side by side."""
    if not found:
        return section(title or TEXTS["changes"].format(n=0), empty(TEXTS["no_change"]), id="changes")
    heads = {name: TEXTS[name] for name in ("place", "before", "after")}
    rows: list[dict[str, Child]] = [
        {
            "place": one.place,
            "before": tag("del", one.before, class_="wrap"),
            "after": tag("ins", one.after, class_="wrap"),
        }
        for one in found
    ]
    more = tag("p", TEXTS["more"].format(n=MOST), class_="faint") if len(found) == MOST else None
    return section(title or TEXTS["changes"].format(n=len(found)), cards(heads, rows), more, id="changes")


def troubles(found: Sequence[Told]) -> Markup | None:
    """List what is wrong, each leading to its cell."""
    if not found:
        return None
    lines = [tag("li", link(f"#{one.name}", one.place or TEXTS["whole"]), "：", one.words) for one in found]
    head = tag("h2", badge(TEXTS["faults"].format(n=len(found)), "bad"))
    return tag("section", head, tag("ul", lines, class_="faults"), class_="card first bad", id="faults", role="alert")


def trial(found: Trial) -> Markup:
    """Draw what trying showed."""
    parts: list[Child] = [_past(found.past)] if found.past else [tag("p", TEXTS["no_trial"])]
    for (channel, code), count in found.booked.items():
        parts.append(tag("p", TEXTS["booked"].format(channel=channel, code=code, n=count)))
    parts.append(tag("p", TEXTS["nothing_changed"], class_="faint"))
    return section(TEXTS["trial"], parts, id="trial")


def _past(past: Past) -> list[Child]:
    noun = NOUNS.get(past.noun, past.noun)
    if not past.tried:
        return [tag("p", TEXTS["no_past"].format(noun=noun))]
    name = "sentence" if past.changed else "none_changes"
    words = TEXTS[name].format(tried=f"{past.tried:,}", noun=noun, changed=f"{past.changed:,}")
    shown: list[Child] = [tag("p", words, class_="big", id="trial-sentence")]
    if not past.changed:
        return shown
    kinds = [
        tag("tr", tag("td", _outcome(before)), tag("td", _outcome(after)), tag("td", f"{n:,}", class_="right"))
        for (before, after), n in past.counts.most_common()
    ]
    shown.append(table([TEXTS["before"], TEXTS["after"], TEXTS["count"]], kinds, numbers=(2,)))
    shown.append(tag("p", TEXTS["shown"].format(n=len(past.rows), most=MOST_SHOWN), class_="faint below"))
    heads = {
        "key": TEXTS["key" if past.noun == "orders" else "case"],
        "before": TEXTS["before"],
        "after": TEXTS["after"],
    }
    return [*shown, cards(heads, [_row(past.noun, one) for one in past.rows])]


def _row(noun: str, one: PastChange) -> dict[str, Child]:
    key = (
        link(order_url(one.key), one.key.split(":", 2)[-1], class_="num wrap", title=one.key)
        if noun == "orders"
        else link(case_url(one.key), one.key, class_="num")
    )
    return {"key": key, "before": _outcome(one.before), "after": _outcome(one.after)}


def _outcome(words: str) -> Markup:
    parts = [said(one) for one in words.split("; ")] if words else [TEXTS["nothing_said"]]
    return tag("span", "；".join(parts), class_="wrap")
