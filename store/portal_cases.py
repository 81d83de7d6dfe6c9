"""A buyer's own case (AFT-1): what may be asked for now with its money, and opening it with its photos in one step."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import OF_GOODS, CaseEvent, CaseKind, CaseLine, NewCase, Origin
from domain.after_sales_policy import Asked, Checked, Policy, impossible
from domain.buyer_offers import KINDS, LEAST_MINOR, NAMES_AMOUNT, ReasonOffer, reasons_for, why_no_reason
from domain.errors import BadInput, Refused
from domain.orders import PaymentStatus
from domain.photos import Photo
from domain.refundable import Bill, Refundable, refundable
from store import case_check, case_money, case_photos, cases, settings_docs
from store.case_photos import PhotoKind
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile

BUYER = "buyer"
MOST_LISTED = 20
"""So many units of a line are offered with their worth each; of more the sum is told once it is chosen."""

_ORDER = text("SELECT * FROM orders WHERE key = :key")
_LINES = text("SELECT line_no, sku, title, quantity FROM order_line WHERE order_key = :key ORDER BY line_no")
_OPEN_CASES = text(
    """
    SELECT l.line_no, c.no FROM after_sales_case c JOIN case_line l ON l.case_no = c.no
    WHERE c.order_key = :key AND c.closed_at IS NULL ORDER BY c.no
    """
)
_BUYER_CASES = text(
    """
    SELECT count(*) FROM after_sales_case c JOIN orders o ON o.key = c.order_key
    WHERE o.buyer_index <> '' AND o.buyer_index = :buyer AND c.opened_at > :since
    """
)
_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:request_key, 0))")
"""Two of the same form take turns: the second one finds the first one's case, and not a reason to refuse it."""
_KNOWN = text("SELECT no FROM after_sales_case WHERE request_key = :request_key")
_LABELS = text("SELECT count(*) FROM case_photo WHERE case_no = :no AND kind = 'label'")


@dataclass(frozen=True, slots=True)
class LineOffer:
    """A line of the order: how many units are left, what 1, 2, … of them are worth, and why none can be asked for."""

    line_no: str
    title: str
    quantity: int
    left: int
    worth_minor: tuple[int, ...]
    why_not: str


@dataclass(frozen=True, slots=True)
class KindOffer:
    """One kind, and why it cannot be asked for; empty when it can."""

    kind: CaseKind
    why_not: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer chose so far. `request_key` names the form: the same one again opens nothing new.

    `amount_minor` is what the buyer names where the kind has an amount.
    """

    kind: CaseKind
    units: Mapping[str, int]
    reason: str
    request_key: str = ""
    words: str = field(default="", repr=False)
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a wish would come to: the policy's word, and the money line by line; without money where goods are sent."""

    checked: Checked
    reason: ReasonOffer
    money: Refundable | None


@dataclass(frozen=True, slots=True)
class _Order:
    """All of an order that the policy and the arithmetic ask about."""

    row: Row[Any]
    lines: tuple[Row[Any], ...]
    bill: Bill
    open_cases: Mapping[str, str]
    buyer_cases: int
    policy: Policy

    def left(self, line_no: str) -> int:
        """Say how many units were not granted yet."""
        return next(line.quantity - line.granted_units for line in self.bill.lines if line.line_no == line_no)

    def worth(self, units: Mapping[str, int], *, freight: bool = False) -> Refundable:
        """Say what units are worth; no more than are left."""
        wanted = {no: min(count, self.left(no)) for no, count in units.items()}
        return refundable(self.bill, wanted, with_freight=freight)

    def asked(self, kind: CaseKind, units: Mapping[str, int], amount_minor: int | None = None) -> Asked:
        """Write the question to the policy."""
        skus = {line.line_no: line.sku for line in self.lines}
        titles = {line.line_no: line.title for line in self.lines}
        # The freight counts as in the case's own check (store/case_check.py): a row of the policy may add it.
        most = self.worth(units, freight=True)
        amount = most.amount_minor if kind in OF_GOODS else most.cap_minor
        wanted = min(amount, LEAST_MINOR) if kind in NAMES_AMOUNT else amount
        return Asked(
            kind=kind,
            origin=Origin.BUYER,
            phase=case_check.phase_of(self.row),
            paid=self.row.payment_status != PaymentStatus.UNPAID.value and self.row.paid_minor > 0,
            skus=tuple(skus[no] for no in units),
            reason=self.policy.reasons[0].code,
            signed_at=self.row.signed_at,
            refundable_minor=amount,
            wanted_minor=wanted if amount_minor is None else amount_minor,
            buyer_cases=self.buyer_cases,
            too_many=tuple(titles[no] for no, count in units.items() if count > self.left(no)),
            open_cases=tuple(sorted({self.open_cases[no] for no in units if no in self.open_cases})),
        )


class PortalCases:
    """What buyers may ask for, and their asking."""

    def __init__(self, database: Database, ring: KeyRing, profile: Profile) -> None:
        self._database = database
        self._ring = ring
        self._profile = profile

    async def policy(self) -> Policy:
        """Give the policy in force: its limits of photos."""
        async with self._database.transaction() as tx:
            return await settings_docs.after_sales(tx, self._profile)

    async def kinds(self, key: str, now: datetime) -> list[KindOffer]:
        """Say of every kind whether it can be asked for, for any line of the order."""
        async with self._database.transaction() as tx:
            order = await self._read(tx, key, now)
        return [KindOffer(kind, _why_not_all(order, kind, now)) for kind in KINDS]

    async def lines(self, key: str, kind: CaseKind, now: datetime) -> list[LineOffer]:
        """Say of every line whether it can be asked for, and what its units are worth."""
        async with self._database.transaction() as tx:
            order = await self._read(tx, key, now)
        return [_line_offer(order, line, kind, now) for line in order.lines]

    async def reasons(self, key: str, kind: CaseKind, now: datetime) -> list[ReasonOffer]:
        """Say of every reason whether it can be chosen for some line; of the lines chosen, `estimate` says it."""
        async with self._database.transaction() as tx:
            order = await self._read(tx, key, now)
        free = [line for line in order.lines if not _why_not(order, line, kind, now)]
        tried = [reasons_for(order.asked(kind, {line.line_no: 1}), order.policy, now) for line in free]
        return [next((one for one in same if not one.why_not), same[0]) for same in zip(*tried, strict=True)]

    async def most(self, key: str, now: datetime) -> int:
        """Say what can be paid back of an order at most, in minor units."""
        async with self._database.transaction() as tx:
            order = await self._read(tx, key, now)
        return order.worth({}).cap_minor

    async def estimate(self, key: str, wish: Wish, now: datetime) -> Estimate:
        """Say what a wish comes to; BadInput when it names what the order or the policy does not know."""
        async with self._database.transaction() as tx:
            return _estimated(await self._read(tx, key, now), wish, now)

    async def open(self, key: str, wish: Wish, photos: list[Photo], now: datetime) -> str:
        """Open a case with its photos and give its number; Refused with the policy's words. The same form opens one."""
        async with self._database.transaction() as tx:
            await tx.execute(_TURN, {"request_key": wish.request_key})
            known = (await tx.execute(_KNOWN, {"request_key": wish.request_key})).scalar_one_or_none()
            if known is not None:
                return str(known)
            order = await self._read(tx, key, now)
            _must_be_allowed(order, wish, len(photos), now)
            lines = tuple(CaseLine(no, "", count) for no, count in wish.units.items())
            new = NewCase(
                order_key=key,
                kind=wish.kind,
                origin=Origin.BUYER,
                request_key=wish.request_key,
                lines=lines,
                reason=wish.reason,
                asked_by=BUYER,
                words=wish.words,
                wanted_minor=wish.amount_minor if wish.kind in NAMES_AMOUNT else None,
            )
            no = await cases.open_case(tx, self._ring, new, now)
            for photo in photos:
                await case_photos.save(tx, self._ring, (no, PhotoKind.EVIDENCE, BUYER), photo, now)
        return no

    async def add_label(self, key: str, no: str, photo: Photo, now: datetime) -> int:
        """Keep the photo of a return's label; Refused when the case waits for no parcel."""
        async with self._database.transaction() as tx:
            _, row = await cases.lock(tx, no)
            if row.order_key != key:
                raise Refused("case", f"there is no case {no}")
            if row.closed_at is not None or not row.returns or row.received_at is not None:
                raise Refused("label", "现在不需要面单照片")
            most = (await settings_docs.after_sales(tx, self._profile)).most_photos
            if (await tx.execute(_LABELS, {"no": no})).scalar_one() >= most:
                raise Refused("label", f"面单照片已有 {most} 张,请直接填写运单号")
            number = await case_photos.save(tx, self._ring, (no, PhotoKind.LABEL, BUYER), photo, now)
            await cases.wake(tx, no, key, CaseEvent.CHANGED, now)
        return number

    async def _read(self, tx: AsyncConnection, key: str, now: datetime) -> _Order:
        row = (await tx.execute(_ORDER, {"key": key})).one()
        policy = await settings_docs.after_sales(tx, self._profile)
        since = now - timedelta(days=policy.cases_window_days)
        asked = await tx.execute(_BUYER_CASES, {"buyer": row.buyer_index, "since": since})
        return _Order(
            row=row,
            lines=tuple(await tx.execute(_LINES, {"key": key})),
            bill=await case_money.bill(tx, row),
            open_cases={one.line_no: one.no for one in await tx.execute(_OPEN_CASES, {"key": key})},
            buyer_cases=asked.scalar_one(),
            policy=policy,
        )


def _why_not(order: _Order, line: Row[Any], kind: CaseKind, now: datetime) -> str:
    if order.left(line.line_no) <= 0:
        return "已全部退款"
    asked = order.asked(kind, {line.line_no: 1})
    if kind in NAMES_AMOUNT and asked.refundable_minor <= 0:
        return "这些商品已经没有可退的金额"
    return impossible(asked, order.policy) or why_no_reason(reasons_for(asked, order.policy, now))


def _why_not_all(order: _Order, kind: CaseKind, now: datetime) -> str:
    found = [_why_not(order, line, kind, now) for line in order.lines]
    return "" if any(not one for one in found) else ";".join(dict.fromkeys(found))


def _line_offer(order: _Order, line: Row[Any], kind: CaseKind, now: datetime) -> LineOffer:
    left = order.left(line.line_no)
    worth = tuple(
        order.worth({line.line_no: count}).amount_minor for count in range(1, left + 1 if left <= MOST_LISTED else 1)
    )
    return LineOffer(line.line_no, line.title, line.quantity, left, worth, _why_not(order, line, kind, now))


def _estimated(order: _Order, wish: Wish, now: datetime) -> Estimate:
    known = {line.line_no for line in order.lines}
    if not wish.units or set(wish.units) - known or any(count < 1 for count in wish.units.values()):
        raise BadInput("choose at least one unit of a line of this order")
    if wish.kind in NAMES_AMOUNT and not wish.amount_minor:
        raise BadInput("name an amount")
    asked = replace(order.asked(wish.kind, wish.units, wish.amount_minor), reason=wish.reason)
    offer = next((one for one in reasons_for(asked, order.policy, now) if one.code == wish.reason), None)
    if offer is None:
        raise BadInput("choose a reason")
    money = order.worth(wish.units, freight=offer.checked.freight_back) if wish.kind in OF_GOODS else None
    return Estimate(offer.checked, offer, money)


def _must_be_allowed(order: _Order, wish: Wish, photos: int, now: datetime) -> None:
    offer = _estimated(order, wish, now).reason
    if offer.why_not:
        raise Refused("policy", offer.why_not)
    if offer.needs_photo and not photos:
        raise Refused("photo", "这个原因需要照片,请上传照片后再申请")
    if photos > order.policy.most_photos:
        raise Refused("photo", f"照片最多 {order.policy.most_photos} 张")
