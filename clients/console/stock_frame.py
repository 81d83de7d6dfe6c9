"""What the stock pages share: names of shops, and the forms behind their buttons."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from clients.console.html import Child, tag
from clients.console.stock_words import CHANNELS
from domain.errors import BadInput

TEXTS = {
    "whole": "整个渠道",
    "reason": "原因（会写进记录，请不要写姓名、电话、地址）",
    "no_reason": "请写明原因",
    "no": "返回",
}
MOST_REASON = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """A form that asks once more before something is done: what it sends, what it says, what is to be filled in."""

    act: str
    title: str
    why: str
    yes: str
    fields: Child = None
    danger: bool = False


def sku_url(sku: str, part: str = "") -> str:
    """Name the page of a SKU, or a part of it."""
    return f"/stock/{quote(sku, safe='')}" + (f"#{part}" if part else "")


def ledger_url(sku: str) -> str:
    """Name the page of a SKU's ledger."""
    return f"/ledger/{quote(sku, safe='')}"


def pool_url(code: str) -> str:
    """Name the page of a pool."""
    return f"/pools/{quote(code, safe='')}"


def shop_name(channel: str, shop: str) -> str:
    """Name a shop as people do; without a code it is the whole channel."""
    name = CHANNELS.get(channel, channel)
    return f"{name} / {shop}" if shop and shop != "*" else f"{name}（{TEXTS['whole']}）"


def ask(one: Ask, **given: str | int) -> Markup:
    """Draw the form behind a button; `given` is sent along with what people fill in. A reason must be written."""
    entry = tag("textarea", "", name="reason", maxlength=MOST_REASON, required=True)
    loudness = "primary danger" if one.danger else "primary"
    form = tag(
        "form",
        tag("h2", one.title),
        tag("p", one.why),
        one.fields,
        tag("label", tag("span", TEXTS["reason"]), entry),
        [tag("input", type="hidden", name=name, value=value) for name, value in given.items()],
        tag(
            "div",
            tag("button", TEXTS["no"], type="button", data_close=True),
            tag("button", one.yes, class_=loudness, type="submit"),
            class_="row",
        ),
        data_act=one.act,
    )
    return tag("dialog", form, id=dialog_id(one.act, **given), aria_label=one.title)


def dialog_id(act: str, **given: str | int) -> str:
    """Name the form of an act, so that a button opens it (`data_dialog`)."""
    return "-".join(("ask", act, *(str(value) for name, value in given.items() if name == "id")))


def reason_of(given: dict[str, str]) -> str:
    """Read the reason of a form; BadInput when there is none."""
    reason = given.get("reason", "").strip()[:MOST_REASON]
    if not reason:
        raise BadInput(TEXTS["no_reason"])
    return reason


def number(n: int, **attributes: str | int | bool | None) -> Markup:
    """Build a table's cell with a number."""
    return tag("td", f"{n}", class_="right", **attributes)


def cards(
    heads: dict[str, str], rows: Sequence[dict[str, Child]], right: Collection[str] = (), name: str = ""
) -> Markup:
    """Build a table from cells by name; on a phone each row is a card. `name` is a class of its own."""
    top = [tag("th", word, scope="col", class_="right" if one in right else None) for one, word in heads.items()]
    body = [
        tag(
            "tr",
            [
                tag("td", row[one], data_label=word, class_=f"{one} right" if one in right else one)
                for one, word in heads.items()
            ],
        )
        for row in rows
    ]
    shown = tag("table", tag("thead", tag("tr", top)), tag("tbody", body), class_=f"cards {name}".rstrip())
    return tag("div", shown, class_="scroll")
