"""Tables that become cards on a phone, forms behind buttons, sentences with links. HTML only; knows no page."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from clients.console.html import Child, link, order_url, tag
from clients.console.words import said

BACK = "返回"
ORDER_KEY = re.compile(r"[a-z]+:[^\s:,]+:[^\s,]+")


@dataclass(frozen=True, slots=True)
class Ask:
    """A form that asks before something is done: its name, what it says, what is filled in, what is sent along."""

    act: str
    title: str
    why: str = ""
    fields: Child = None
    danger: bool = False
    hidden: Mapping[str, str] | None = None


def cards(heads: Mapping[str, str], rows: Iterable[Mapping[str, Child]], numbers: Collection[str] = ()) -> Markup:
    """Build a table from the words of its columns; `numbers` are the columns that stand right."""
    side = {name: "right" if name in numbers else None for name in heads}
    head = [tag("th", word, scope="col", class_=side[name]) for name, word in heads.items()]
    lines = [
        tag("tr", [tag("td", row.get(name), data_label=word, class_=side[name]) for name, word in heads.items()])
        for row in rows
    ]
    shown = tag("table", tag("thead", tag("tr", head)), tag("tbody", lines), class_="cards tight")
    return tag("div", shown, class_="scroll")


def facts(pairs: Mapping[str, Child]) -> Markup:
    """Build a list of words and values; what is empty is left out."""
    found = [(tag("dt", word), tag("dd", value)) for word, value in pairs.items() if value]
    return tag("dl", [child for pair in found for child in pair])


def field(word: str, name: str, **attributes: str | int | bool | None) -> Markup:
    """Build a labelled entry."""
    return tag("label", tag("span", word), tag("input", name=name, **attributes))


def chooser(word: str, name: str, options: Mapping[str, str], chosen: str = "") -> Markup:
    """Build a labelled choice."""
    shown = [tag("option", text, value=value, selected=value == chosen) for value, text in options.items()]
    return tag("label", tag("span", word), tag("select", shown, name=name))


def opener(act: str, words: str, why_not: str = "", *, danger: bool = False) -> Markup:
    """Build the button that opens a form; one that cannot work says why beforehand."""
    told_in = f"why-{act}"
    button = tag(
        "button",
        words,
        id=f"act-{act}",
        data_dialog=f"ask-{act}",
        disabled=bool(why_not),
        aria_describedby=told_in if why_not else None,
        class_="danger" if danger else None,
    )
    return tag("div", button, tag("small", why_not, id=told_in) if why_not else None)


def dialog(ask: Ask, yes: str) -> Markup:
    """Build the form behind a button."""
    form = tag(
        "form",
        tag("h2", ask.title),
        tag("p", ask.why) if ask.why else None,
        ask.fields,
        [tag("input", type="hidden", name=name, value=value) for name, value in (ask.hidden or {}).items()],
        tag(
            "div",
            tag("button", BACK, type="button", data_close=True),
            tag("button", yes, class_="primary danger" if ask.danger else "primary", type="submit"),
            class_="row",
        ),
        data_act=ask.act,
    )
    return tag("dialog", form, id=f"ask-{ask.act}", aria_label=ask.title)


def with_orders(words: str) -> list[Child]:
    """Say a sentence with the orders that it names as links."""
    told, found, last = said(words), [], 0
    for hit in ORDER_KEY.finditer(told):
        found += [told[last : hit.start()], link(order_url(hit[0]), hit[0].split(":", 2)[2], class_="num")]
        last = hit.end()
    return [*found, told[last:]]
