"""Entries for units per SKU in a form, and reading them back."""

from collections.abc import Mapping

from markupsafe import Markup

from clients.console.html import tag
from domain.errors import BadInput

PREFIX = "n:"
MOST = 1_000_000
TEXTS = {"bad": "{sku}：件数要填 0 到 {most} 的整数", "label": "{sku} 的件数"}


def unit_fields(units: Mapping[str, int]) -> Markup:
    """Build one entry per SKU, filled with what is expected."""
    rows = [
        tag(
            "label",
            tag("b", sku, class_="wrap num"),
            tag("input", name=f"{PREFIX}{sku}", type="number", min=0, max=MOST, value=n, required=True,
                aria_label=TEXTS["label"].format(sku=sku)),
            class_="units",
        )
        for sku, n in units.items()
    ]  # fmt: skip
    return tag("div", rows, class_="unit-list")


def read_units(given: Mapping[str, str]) -> dict[str, int]:
    """Read the entries; BadInput names the SKU of one that is no number."""
    found: dict[str, int] = {}
    for name, words in given.items():
        if not name.startswith(PREFIX):
            continue
        sku = name.removeprefix(PREFIX)
        if not (words.isascii() and words.isdigit()) or int(words) > MOST:
            raise BadInput(TEXTS["bad"].format(sku=sku, most=MOST))
        found[sku] = int(words)
    return found
