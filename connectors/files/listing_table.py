"""Listings in a CSV file or a workbook: which SKU a shop sells under which ids. Owns what a row must look like (I-9).

A row that has shifted by a cell has a title where a number belongs, or a SKU that nobody keeps stock of: it is told
with its line, and nothing of the file is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors import fields
from connectors.files.table import Row, read_table
from domain.errors import BadInput
from domain.stock_push import Listing, PushRules

COLUMNS: Mapping[str, str] = {
    "sku": "sku", "商家编码": "sku", "item_id": "item_id", "商品ID": "item_id", "variant_id": "variant_id",
    "SKUID": "variant_id", "title": "title", "商品标题": "title",
}  # fmt: skip
"""What a column may be called."""
MAX_NUMBER, MAX_TITLE = 20, 500


@dataclass(frozen=True, slots=True)
class Given:
    """One row: its line in the file, and the listing or what is wrong with it."""

    line: int
    listing: Listing
    fault: str = ""


def read_listings(raw: bytes, account: tuple[str, str], rules: PushRules) -> list[Given]:
    """Read a file for a shop (channel, shop); BadInput for one that is no table of listings."""
    table = read_table(raw)
    unknown = [name for name in table.header if name not in COLUMNS]
    if unknown:
        raise BadInput(f"column {unknown[0]} is not known; known are {', '.join(COLUMNS)}")
    names = [COLUMNS[name] for name in table.header]
    missing = [name for name in ("sku", "item_id") if name not in names and (name == "sku" or rules.numbers)]
    if missing:
        raise BadInput(f"column {missing[0]} is missing: name it in the first line")
    if len(set(names)) < len(names):
        raise BadInput("two columns mean the same: remove one")
    if not table.rows:
        raise BadInput("the file holds no rows")
    found = [_given(row, dict(zip(names, row.cells, strict=True)), account, rules) for row in table.rows]
    return _each_once(found)


def _given(row: Row, cells: Mapping[str, str], account: tuple[str, str], rules: PushRules) -> Given:
    listing = made(account, cells, rules)
    return Given(row.line, listing, fault(listing, rules))


def made(account: tuple[str, str], cells: Mapping[str, str], rules: PushRules) -> Listing:
    """Make a listing of what was given; where a shop knows our SKUs, its item ids are they."""
    sku, title = cells.get("sku", ""), cells.get("title", "")
    item = cells.get("item_id", "") or ("" if rules.numbers else sku)
    return Listing(*account, sku, item, cells.get("variant_id", ""), title)


def fault(listing: Listing, rules: PushRules) -> str:
    """Say what is wrong with a listing, empty when nothing is."""
    if not listing.sku or len(listing.sku) > fields.MAX_ID:
        return "sku is empty: fill it" if not listing.sku else "sku is too long"
    if len(listing.title) > MAX_TITLE:
        return f"title is longer than {MAX_TITLE} characters"
    if not rules.numbers:
        same = (listing.item_id, listing.variant_id) == (listing.sku, "")
        return "" if same else "this shop goes by our SKUs: leave item_id and variant_id empty"
    if not _is_number(listing.item_id):
        return "item_id is not the platform's number of the item"
    if listing.variant_id and not _is_number(listing.variant_id):
        return "variant_id is not the platform's number of the variant"
    return ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER


def _each_once(found: list[Given]) -> list[Given]:
    first: dict[tuple[str, str], int] = {}
    told = []
    for one in found:
        place = (one.listing.item_id, one.listing.variant_id)
        twice = first.setdefault(place, one.line)
        words = one.fault or ("" if twice == one.line else f"the same item and variant as line {twice}")
        told.append(Given(one.line, one.listing, words))
    return told
