"""HTML from values: every text is escaped, every piece has one builder. Knows no page."""

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

Child = str | Markup | None | Iterable["Child"]
VOID = frozenset({"input", "link", "meta", "br", "hr"})


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """Build one element; `class_` and `data_x` mean class and data-x, None and False leave an attribute out."""
    words = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    if name in VOID:
        return Markup(f"<{name}{words}>")  # noqa: S704  (name is ours, attributes are escaped)
    return Markup(f"<{name}{words}>{join(children)}</{name}>")  # noqa: S704  (children are escaped by join)


def join(children: Child) -> Markup:
    """Put pieces side by side, escaping what is plain text."""
    if children is None:
        return Markup()
    if isinstance(children, str):
        return escape(children)
    return Markup().join(join(child) for child in children)


def _attribute(key: str, value: str | int | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def link(href: str, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """Build a link."""
    return tag("a", *children, href=href, **attributes)


def url(path: str, **query: object) -> str:
    """Build an address within the console; what is empty or None is left out."""
    given = {name: str(value) for name, value in query.items() if value not in (None, "", False)}
    return path + (f"?{urlencode(given)}" if given else "")


def order_url(key: str) -> str:
    """Name the page of an order."""
    return f"/orders/{quote(key, safe=':')}"


def moment(at: datetime | None, *, empty: str = "—") -> Markup:
    """Show a time: in the viewer's zone (by the browser), the exact UTC on hover."""
    if at is None:
        return tag("span", empty, class_="faint")
    utc = at.astimezone(UTC)
    words = f"{utc:%m-%d %H:%M}"
    return tag("time", words, datetime=utc.isoformat(), title=f"{utc:%Y-%m-%d %H:%M:%S} UTC", class_="num")


def countdown(until: datetime | None, *, empty: str = "") -> Markup:
    """Show how long is left, or how long ago it should have been; the browser keeps it running."""
    if until is None:
        return tag("span", empty, class_="faint")
    utc = until.astimezone(UTC)
    return tag("span", "…", class_="chip", data_until=utc.isoformat(), title=f"{utc:%Y-%m-%d %H:%M:%S} UTC")


def age(since: datetime | None) -> Markup:
    """Show how long something lasts already; the browser keeps it running."""
    if since is None:
        return Markup()
    utc = since.astimezone(UTC)
    return tag("span", "…", data_since=utc.isoformat(), title=f"{utc:%Y-%m-%d %H:%M:%S} UTC", class_="num")


def money(minor: int, currency: str) -> str:
    """Write an amount of minor units as people do."""
    sign = {"CNY": "¥"}.get(currency, f"{currency} ")
    return f"{'−' if minor < 0 else ''}{sign}{abs(minor) / 100:,.2f}"


def badge(words: str, tone: str, sign: str = "") -> Markup:
    """Show a state: colour and a sign of its own, never colour alone. Tones: bad, warn, good, calm."""
    return tag("span", tag("i", sign or SIGNS[tone], aria_hidden="true"), words, class_=f"badge {tone}")


SIGNS = {"bad": "✕", "warn": "!", "good": "✓", "calm": "·"}


def table(heads: list[str], rows: Iterable[Markup], *, numbers: Iterable[int] = ()) -> Markup:
    """Build a table that scrolls inside itself when it is wider than the page."""
    right = set(numbers)
    cells = [
        tag("th", head, scope="col", class_="right" if place in right else None) for place, head in enumerate(heads)
    ]
    body = tag("tbody", list(rows))
    return tag("div", tag("table", tag("thead", tag("tr", cells)), body), class_="scroll", tabindex="-1")


def body(*children: Child) -> Markup:
    """Build the main part of a page, where the link that skips the navigation leads."""
    return tag("div", *children, id="main", class_="main", tabindex="-1")


def section(title: str, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """Build a titled part of a page."""
    return tag("section", tag("h2", title), *children, class_="card", **attributes)


def empty(words: str, what_next: str = "") -> Markup:
    """Say that there is nothing, and what that means."""
    return tag("p", tag("strong", words), " " if what_next else "", what_next, class_="empty")


def failure(words: str) -> Markup:
    """Say that a part of a page could not be read, and what happens now."""
    return tag("p", badge(words, "bad"), class_="empty", role="alert")
