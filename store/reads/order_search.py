"""Paste anything, get the orders: numbers, waybills, phones and buyers, several at once, as people copy them.

Phones and buyers are met by their blind index, so nothing is opened. Every way of finding is one index look-up.
"""

import re
import sys
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import phonenumbers
from sqlalchemy import text

from store.contacts import phone_index
from store.database import Database
from store.keyring import KeyRing
from store.reads.order_list import BESIDE, COLUMNS, OrderRow, order_row

MOST_WORDS = 50
MOST_PER_WORD = 50
MOST_BY_PREFIX = 20
PREFIX_CHARACTERS = 4
"""From here on the beginning of an order number is searched too; shorter ones would meet half of the orders."""
LONGEST_WORD = 100

_LINES = re.compile(r"[\n\r,;、，；|]+")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LABEL = re.compile(r"^[^\W\d_a-zA-Z]+\s*[:#]?\s*")
"""Chinese words before the number, as they are copied with it from a chat."""
_EDGES = " \t\"'“”‘’`<>[](){}【】《》。.#:"
_PHONE = re.compile(r"^\+?[\d\s()-]{7,25}$")
_MOBILE = re.compile(r"(?<![\w+])((?:\+?86)?)[\s-]*(1[3-9]\d)[\s-]?(\d{4})[\s-]?(\d{4})(?![\w-])")
"""A mobile number as people write it, wherever it stands; three order numbers are never so long and so short."""
_STARRED = re.compile(r"(?<!\d)(\+?\d{3,5})[\s-]*([*•]{2,})[\s-]*(\d{2,4})(?!\d)")
_MASKED = re.compile(r"^\+?\d{2,}[*•]{2,}\d{2,}$")


class Kind(StrEnum):
    """What a pasted word turned out to be."""

    ORDER_KEY = "order_key"
    ORDER_NO = "order_no"
    FULFILLMENT_NO = "fulfillment_no"
    WAYBILL_NO = "waybill_no"
    PHONE = "phone"
    BUYER = "buyer"
    ORDER_NO_PREFIX = "order_no_prefix"


_EXACT: dict[Kind, str] = {
    Kind.ORDER_KEY: "SELECT key AS word, key FROM orders WHERE key = ANY(:words)",
    Kind.ORDER_NO: "SELECT no AS word, key FROM orders WHERE no = ANY(:words)",
    Kind.FULFILLMENT_NO: "SELECT no AS word, order_key AS key FROM fulfillment WHERE no = ANY(:words)",
    Kind.WAYBILL_NO: "SELECT waybill_no AS word, order_key AS key FROM parcel WHERE waybill_no = ANY(:words)",
    Kind.PHONE: "SELECT phone_index AS word, order_key AS key FROM contact WHERE phone_index = ANY(:phones)",
    Kind.BUYER: "SELECT buyer_index, key FROM orders WHERE buyer_index = ANY(:buyers) AND buyer_index <> ''",
}
_FIND = text(
    " UNION ALL ".join(
        f"(SELECT '{kind}' AS kind, word, key FROM ({one} LIMIT :most) {kind} (word, key))"  # noqa: S608
        for kind, one in _EXACT.items()
    )
)
# The operators of text_pattern_ops, for which the index holds whatever the collation and however the plan is cached.
_PREFIX = text(
    """
    SELECT w.word, o.key FROM unnest(CAST(:words AS text[]), CAST(:ends AS text[])) w (word, past),
        LATERAL (SELECT key FROM orders WHERE no ~>=~ w.word AND no ~<~ w.past ORDER BY no USING ~<~ LIMIT :most) o
    """
)
_ROWS = text(f"SELECT {COLUMNS} FROM orders o {BESIDE} WHERE o.key = ANY(:keys) ORDER BY o.turn, o.key")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Hit:
    """One pasted word with what it turned out to be and its orders, worst first."""

    word: str
    kind: Kind
    orders: list[OrderRow]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. `missed` belongs to no order here; `masked` are phones with stars, which nobody can search;
    `left_out`: words beyond the first MOST_WORDS."""

    hits: list[Hit]
    missed: list[str]
    masked: list[str]
    left_out: int = 0

    @property
    def keys(self) -> list[str]:
        """The keys of all orders found, each once, in the order of the words."""
        return list(dict.fromkeys(order.key for hit in self.hits for order in hit.orders))

    @property
    def exact(self) -> list[str]:
        """The keys of those whose number was given whole: what somebody may act upon without looking."""
        whole = (hit for hit in self.hits if hit.kind is not Kind.ORDER_NO_PREFIX)
        return list(dict.fromkeys(order.key for hit in whole for order in hit.orders))


class OrderSearch:
    """Finds orders by whatever is at hand."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def find(self, pasted: str) -> Found:
        """Find the orders of everything in a pasted text; nothing in it is ever logged."""
        words = split(pasted)
        asked = words[:MOST_WORDS]
        masked = [word for word in asked if _MASKED.match(word)]
        plain = [word for word in asked if word not in masked]
        hits = await self._hits(plain) if plain else []
        hit = {one.word for one in hits}
        return Found(hits, [word for word in plain if word not in hit], masked, len(words) - len(asked))

    async def _hits(self, words: list[str]) -> list[Hit]:
        meant = {spelling: word for word in reversed(words) for spelling in (word.lower(), word.upper(), word)}
        phones = {phone_index(self._ring, word): word for word in words if _PHONE.match(word)}
        buyers = {self._ring.blind(word, "buyer"): word for word in words}
        values: dict[str, Any] = {"words": list(meant), "phones": list(phones), "buyers": list(buyers)}
        async with self._database.transaction() as tx:
            found: dict[tuple[str, Kind], list[str]] = {}
            for row in await tx.execute(_FIND, values | {"most": MOST_WORDS * MOST_PER_WORD}):
                word = (meant | phones | buyers)[row.word]
                found.setdefault((word, Kind(row.kind)), []).append(row.key)
            left = [word for word in words if word not in {word for word, _ in found}]
            begun = [word for word in left if len(word) >= PREFIX_CHARACTERS]
            if begun:
                ends = [_past(word) for word in begun]
                for row in await tx.execute(_PREFIX, {"words": begun, "ends": ends, "most": MOST_BY_PREFIX}):
                    found.setdefault((row.word, Kind.ORDER_NO_PREFIX), []).append(row.key)
            keys = {key for keys in found.values() for key in keys[:MOST_PER_WORD]}
            rows = [order_row(row) for row in await tx.execute(_ROWS, {"keys": list(keys)})] if keys else []
        return [
            Hit(word, kind, [row for row in rows if row.key in found[word, kind]])
            for word in words
            for kind in Kind
            if (word, kind) in found
        ]


def split(pasted: str) -> list[str]:
    """Take a pasted text apart into the words to look for, each once, in order: full width folded, labels dropped.

    A word in small and in capital letters is one: each is looked for in both.
    """
    lines = _LINES.split(_INVISIBLE.sub("", unicodedata.normalize("NFKC", pasted).replace("\t", "\n")))
    words = [_clean(word) for line in lines for word in _words(line.strip())]
    first: dict[str, str] = {}
    for word in filter(None, words):
        first.setdefault(word.upper(), word)
    return list(first.values())


def _words(line: str) -> list[str]:
    """A phone may hold spaces; everything else ends at one."""
    bare = _LABEL.sub("", line)
    if _is_phone(bare):
        return [re.sub(r"[\s()-]", "", bare)]
    return _STARRED.sub(r" \1\2\3 ", _MOBILE.sub(r" \1\2\3\4", bare)).split()


def _clean(word: str) -> str:
    return _LABEL.sub("", word.strip(_EDGES)).strip(_EDGES)[:LONGEST_WORD]


def _is_phone(line: str) -> bool:
    if not _PHONE.match(line):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(line, "CN"))
    except phonenumbers.NumberParseException:
        return False


def _past(word: str) -> str:
    """Give the first word behind all that begin with this one."""
    return word + chr(sys.maxunicode)
