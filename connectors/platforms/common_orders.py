"""Orders of a common-style channel: from where its style says they stand to an observation. Knows no call."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from connectors import fields
from connectors.platforms.common_style import Order, Style, TimeForm, at
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

CHANNEL = "common"
MAX_LINES, MAX_QUANTITY = 200, 9_999
MAX_WORDS = 2000
_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)


def read_time(said: Any, form: TimeForm, zone: ZoneInfo) -> datetime:
    """Read a time; aware UTC, or ValueError that says how it should be written."""
    text = str(said)
    if form == "iso":
        return fields.offset_time(text)
    if form == "local":
        return fields.local_time(text, zone)
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"not whole {form}")
    seconds = int(text) / (1000 if form == "unix_ms" else 1)
    try:
        return fields.believable(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, OSError):
        raise ValueError(f"not a {form} time") from None


def show_time(moment: datetime, form: TimeForm, zone: ZoneInfo) -> str:
    """Write a time as the channel's questions want it."""
    if form == "iso":
        return moment.astimezone(zone).isoformat(timespec="seconds")
    if form == "local":
        return fields.show_local(moment, zone)
    return str(int(moment.timestamp() * (1000 if form == "unix_ms" else 1)))


class _Reader:
    """Reads one object, by where things stand in it; errors name the field, never a value."""

    def __init__(self, said: Any, style: Style, path: str) -> None:
        self._said = said
        self._style = style
        self._path = path

    def words(self, name: str, where: str | None, *, needed: bool = True, most: int = MAX_WORDS) -> str:
        found = None if where is None else at(where, self._said)
        if found is None or found == "":
            if needed:
                raise Unparsable(f"{self._path}{name} is missing: the style looks for it at {where!r}")
            return ""
        if isinstance(found, dict | list | bool):
            raise Unparsable(f"{self._path}{name} is neither text nor number")
        text = fields.storable(str(found))
        if len(text) > most:
            raise Unparsable(f"{self._path}{name} is longer than {most} characters")
        return text

    def money(self, name: str, where: str | None) -> int:
        text = self.words(name, where, needed=name in {"total", "unit", "amount"}, most=40) or "0"
        try:
            amount = Decimal(text)
        except InvalidOperation:
            raise Unparsable(f"{self._path}{name} is not an amount") from None
        minor = amount * (100 if self._style.order.money == "major" else 1)
        if not minor.is_finite() or not 0 <= minor <= fields.MAX_AMOUNT_MINOR:
            raise Unparsable(f"{self._path}{name} is negative or absurd")
        if minor != minor.to_integral_value():
            raise Unparsable(f"{self._path}{name} has parts of a minor unit")
        return int(minor)

    def time(self, name: str, where: str) -> datetime:
        try:
            return read_time(self.words(name, where, most=40), self._style.order.time, ZoneInfo(self._style.zone))
        except ValueError as error:
            raise Unparsable(f"{self._path}{name} is {error}") from None

    def quantity(self, where: str) -> int:
        text = self.words("quantity", where, most=40)
        if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_QUANTITY:
            raise Unparsable(f"{self._path}quantity is not a whole number from 1 to {MAX_QUANTITY}")
        return int(text)


def status_of(said: Any, style: Style) -> tuple[ChannelStatus, str]:
    """Give our status and the channel's own code; a code that the style does not name is UNMAPPED."""
    raw = _Reader(said, style, "order.").words("status", style.order.status, most=fields.MAX_ID)
    return style.statuses.get(raw, ChannelStatus.UNMAPPED), raw


def read_order(said: Any, style: Style, shop: Shop) -> OrderObserved:
    """Read one order; Unparsable names the field and what is wrong. Sums have to add up to the minor unit."""
    wanted, reader = style.order, _Reader(said, style, "order.")
    status, raw = status_of(said, style)
    lines = _lines(said, style)
    goods = sum(line.amount_minor for line in lines)
    shop_off = reader.money("shop_discount", wanted.shop_discount)
    platform_off = reader.money("platform_discount", wanted.platform_discount)
    freight, total = reader.money("freight", wanted.freight), reader.money("total", wanted.total)
    if total != goods - shop_off - platform_off + freight:
        sums = f"{goods} - {shop_off} - {platform_off} + {freight}"
        raise Unparsable(f"order.total is {total}, but goods - discounts + freight is {sums}")
    paid_at = reader.time("paid", wanted.paid) if wanted.paid and at(wanted.paid, said) not in (None, "") else None
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=reader.words("no", wanted.no, most=fields.MAX_ID),
        status=status,
        raw_status=raw,
        vendor_time=reader.time("changed", wanted.changed),
        placed_at=reader.time("placed", wanted.placed),
        paid_at=paid_at,
        currency=reader.words("currency", wanted.currency, needed=False, most=3) or style.currency,
        goods_minor=goods,
        shop_discount_minor=shop_off,
        platform_discount_minor=platform_off,
        freight_minor=freight,
        total_minor=total,
        paid_minor=total if paid_at else 0,
        refunded_minor=reader.money("refunded", wanted.refunded),
        lines=lines,
        contact=_contact(reader, wanted),
        buyer_id=reader.words("buyer", wanted.buyer, needed=False, most=128),
        remark=reader.words("remark", wanted.remark, needed=False),
    )


def _contact(reader: _Reader, order: Order) -> Contact:
    who = order.receiver
    province, city = reader.words("province", who.province), reader.words("city", who.city)
    district = reader.words("district", who.district, needed=False)
    person = (reader.words("name", who.name), reader.words("phone", who.phone), reader.words("address", who.address))
    return Contact(ContactForm.PLAIN, province, city, district, *person)


def _lines(said: Any, style: Style) -> tuple[LineObserved, ...]:
    found = at(style.order.lines, said)
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_LINES:
        raise Unparsable(f"order.lines is not a list of 1 to {MAX_LINES} lines")
    lines = tuple(_line(one, style, f"order.lines[{n}].") for n, one in enumerate(found))
    if len({line.line_no for line in lines}) < len(lines):
        raise Unparsable("order.lines: two lines have the same no")
    return lines


def _line(said: Any, style: Style, path: str) -> LineObserved:
    wanted, reader = style.order.line, _Reader(said, style, path)
    quantity, unit, amount = reader.quantity(wanted.quantity), reader.money("unit", wanted.unit), 0
    amount = reader.money("amount", wanted.amount)
    if amount > quantity * unit:
        raise Unparsable(f"{path}amount is more than quantity x unit")
    sku = reader.words("sku", wanted.sku, most=fields.MAX_ID)
    return LineObserved(
        reader.words("no", wanted.no, most=fields.MAX_ID),
        sku,
        reader.words("title", wanted.title, most=500),
        quantity,
        unit,
        quantity * unit - amount,
        amount,
        reader.words("item_id", wanted.item_id, needed=False, most=fields.MAX_ID) or sku,
        reader.words("variant_id", wanted.variant_id, needed=False, most=fields.MAX_ID),
    )
