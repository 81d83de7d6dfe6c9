"""The money of a case: what is refundable, the grant (once), and the payout that carries it out (AFT-3, AFT-7).

A grant and its payout are two facts. The payout goes the way the money came: by the payment provider that took it
(store/refunds.py), by the platform's own agree call, or by hand where nobody can be asked. Each is written in the
transaction that makes it due, under a key of the case, so that nothing pays twice whatever is retried.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.after_sales import OF_GOODS, CaseKind, Origin
from domain.after_sales_policy import Phase
from domain.outgoing import Queue
from domain.payments import refund_no
from domain.refundable import Bill, Part, PricedLine, Refundable, carried_out, refundable
from store import alerts, audit, case_channel, case_parts, case_payouts, cases, outgoing
from store.alerts import Level, NewAlert

REFUND = "refund"

_PRICED = text(
    """
    SELECT l.line_no, l.quantity, l.amount_minor, coalesce(sum(c.granted), 0)::int AS granted
    FROM order_line l LEFT JOIN (
        SELECT case_line.line_no, case_line.granted FROM case_line
            JOIN after_sales_case a ON a.no = case_line.case_no WHERE a.order_key = :key) c USING (line_no)
    WHERE l.order_key = :key GROUP BY l.line_no, l.quantity, l.amount_minor ORDER BY l.line_no
    """
)
_GRANTED = text(
    """
    SELECT p.state, p.way, g.amount_minor, g.freight_minor
    FROM refund_grant g JOIN payout p ON p.grant_key = g.key WHERE g.order_key = :key AND p.state <> 'dropped'
    ORDER BY g.granted_at, g.key
    """
)
# Money that goes back because the order will not ship: it is in no grant.
_OWN = text(
    """
    SELECT coalesce(sum(amount_minor) FILTER (WHERE state = 'succeeded'), 0)::bigint AS back,
        coalesce(sum(amount_minor) FILTER (WHERE state <> 'succeeded'), 0)::bigint AS under_way
    FROM refund WHERE order_key = :key AND case_no = '' AND state <> 'dropped'
    """
)
_SHIPS = text("SELECT EXISTS (SELECT 1 FROM order_line WHERE order_key = :key AND dropped < quantity)")
_GRANT = text(
    """
    INSERT INTO refund_grant (key, case_no, order_key, amount_minor, freight_minor, currency, parts, granted_by,
        granted_at)
    VALUES (:key, :no, :order_key, :amount, :freight, :currency, :parts, :actor, :now) ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("parts", type_=JSONB))
_PAYOUT = text(
    """
    INSERT INTO payout (key, grant_key, case_no, order_key, way, vendor, account, amount_minor, currency, state,
        wanted_at)
    VALUES (:key, :grant, :no, :order_key, :way, :vendor, :account, :amount, :currency, 'wanted', :now)
    """
)
_LINE_GRANTED = text(
    """
    UPDATE case_line SET granted = :units, granted_minor = :amount WHERE case_no = :no AND line_no = :line_no
    """
)
_CASE_GRANTED = text("UPDATE after_sales_case SET granted_minor = :amount WHERE no = :no")
_TAKEN = text("SELECT * FROM payment WHERE order_key = :key AND state = 'taken'")
_REFUND = text(
    """
    INSERT INTO refund (key, no, order_key, provider, transaction_id, amount_minor, state, wanted_at, case_no)
    VALUES (:key, :no, :order_key, :provider, :transaction_id, :amount, 'wanted', :now, :case_no)
    """
)
_BACK = text(
    """
    UPDATE payment SET back_minor = back_minor + :amount
    WHERE provider = :provider AND transaction_id = :transaction_id
    """
)
_AGAIN = text("UPDATE payout SET state = 'wanted', reason = '' WHERE case_no = :no AND state = 'failed'")


@dataclass(frozen=True, slots=True)
class Granting:
    """What is granted for a case, and by whom."""

    amount_minor: int
    freight_minor: int
    parts: tuple[Part, ...]
    actor: str


def grant_key(no: str) -> str:
    """Name the grant of a case."""
    return f"grant:{no}:1"


def payout_key(no: str) -> str:
    """Name the payout of a case."""
    return f"payout:{no}:1"


def refund_key(no: str) -> str:
    """Name the refund at a payment provider that pays a case."""
    return f"refund:{no}:1"


async def bill(tx: AsyncConnection, order: Row[Any]) -> Bill:
    """Read the money of a locked order: paid, granted, and what is under way.

    The order may say sooner than the case that the channel has paid it back: such money is not counted twice.
    """
    rows = (await tx.execute(_PRICED, {"key": order.key})).all()
    grants = (await tx.execute(_GRANTED, {"key": order.key})).all()
    own = (await tx.execute(_OWN, {"key": order.key})).one()
    unconfirmed = [grant for grant in grants if grant.state != "paid"]
    confirmed = own.back + sum(grant.amount_minor for grant in grants if grant.state == "paid")
    at_channel = [grant.amount_minor for grant in unconfirmed if grant.way == "channel"]
    back = carried_out(order.refunded_minor - confirmed, at_channel)
    under_way = own.under_way + sum(grant.amount_minor for grant in unconfirmed) - back
    return Bill(
        paid_minor=order.paid_minor,
        freight_minor=order.freight_minor,
        lines=tuple(PricedLine(row.line_no, row.quantity, row.amount_minor, row.granted) for row in rows),
        granted_minor=order.refunded_minor + under_way,
        granted_freight_minor=sum(grant.freight_minor for grant in grants),
    )


async def worth(
    tx: AsyncConnection, order: Row[Any], row: Row[Any], *, freight: bool, broken: bool = False
) -> Refundable:
    """Say what the units of a case may be paid back for; of a return, the units that came back.

    `broken` counts bundles, too, of which only some components came: what those are worth a person says, up to this.
    """
    counted = await bill(tx, order)
    lines = await cases.lines(tx, row.no)
    left = {line.line_no: line.quantity - line.granted_units for line in counted.lines}
    more = await begun(tx, row) if broken else {}
    wanted = {line.line_no: min(_units(row, line) + more.get(line.line_no, 0), left[line.line_no]) for line in lines}
    return refundable(counted, wanted, with_freight=freight)


async def begun(tx: AsyncConnection, row: Row[Any]) -> dict[str, int]:
    """Give the bundles of a case, by line, of which something came back and something is missing."""
    if not row.returns or row.inspected_at is None:
        return {}
    return {line_no: one.begun for line_no, one in (await case_parts.back(tx, row)).items() if one.begun}


def _units(row: Row[Any], line: Row[Any]) -> int:
    """Of a case whose goods are back, what came back counts."""
    returned: int = line.good + line.damaged
    wanted: int = line.quantity
    return min(returned, wanted) if row.returns and row.inspected_at is not None else wanted


def amount(row: Row[Any], found: Refundable) -> int:
    """Say how much a case gets: what a person approved, else what is wanted, never more than there is.

    A platform's own case names its amount by the platform's rules; only what is left of the order's money limits it.
    """
    if row.approved_minor is not None:
        return min(int(row.approved_minor), found.cap_minor)
    if CaseKind(row.kind) not in OF_GOODS or Origin(row.origin) is Origin.CHANNEL:
        return min(int(row.wanted_minor or 0), found.cap_minor)
    return min(found.amount_minor, found.amount_minor if row.wanted_minor is None else int(row.wanted_minor))


async def grant(tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> bool:
    """Approve the money of a case and ask for its payout, once; False when there is nothing to pay."""
    freight_back = row.freight_back and not await _ships_on(tx, order, row)
    found = await worth(tx, order, row, freight=freight_back)
    due = amount(row, found)
    if due > found.amount_minor:  # what a person named for a bundle that came in part: it is not granted again
        found = await worth(tx, order, row, freight=freight_back, broken=True)
    if due <= 0:
        return False
    parts = found.parts if CaseKind(row.kind) in OF_GOODS else ()
    freight = sum(part.amount_minor for part in parts if not part.line_no)
    granting = Granting(due, min(freight, due), parts, row.reviewed_by or "policy")
    if await _write_grant(tx, row, granting, now):
        await _pay(tx, row, due, now)
    return True


async def _ships_on(tx: AsyncConnection, order: Row[Any], row: Row[Any]) -> bool:
    """Say whether the rest of an order ships though some of it was stopped: then its freight is used."""
    if row.phase != Phase.BEFORE_SHIPPING.value or order.closed_at is not None:
        return False
    return bool((await tx.execute(_SHIPS, {"key": order.key})).scalar_one())


async def paid_by_channel(tx: AsyncConnection, order: Row[Any], row: Row[Any], due: int, now: datetime) -> None:
    """Write down the grant and the payout of money that a channel moved by its own rules; what we granted stands."""
    if due <= 0 or await case_payouts.payout_of(tx, row.no) is not None:
        return
    found = await worth(tx, order, row, freight=True)
    parts = found.parts if CaseKind(row.kind) in OF_GOODS and found.amount_minor == due else ()
    freight = sum(part.amount_minor for part in parts if not part.line_no)
    await _write_grant(tx, row, Granting(due, freight, parts, "channel"), now)
    await _payout(tx, row, due, ("channel", row.channel, row.shop), now)


async def _write_grant(tx: AsyncConnection, row: Row[Any], granting: Granting, now: datetime) -> bool:
    values = {
        "key": grant_key(row.no),
        "no": row.no,
        "order_key": row.order_key,
        "amount": granting.amount_minor,
        "freight": granting.freight_minor,
        "currency": row.currency,
        "parts": {"parts": [[part.line_no, part.quantity, part.amount_minor] for part in granting.parts]},
        "actor": granting.actor,
        "now": now,
    }
    if not (await tx.execute(_GRANT, values)).rowcount:
        return False
    for part in granting.parts:
        if part.line_no:
            about = {"no": row.no, "line_no": part.line_no}
            await tx.execute(_LINE_GRANTED, about | {"units": part.quantity, "amount": part.amount_minor})
    await tx.execute(_CASE_GRANTED, {"no": row.no, "amount": granting.amount_minor})
    told = {"amount_minor": granting.amount_minor, "freight_minor": granting.freight_minor}
    await audit.write(tx, "case.granted", row.no, now, actor=granting.actor, **told)
    return True


async def _pay(tx: AsyncConnection, row: Row[Any], due: int, now: datetime) -> None:
    """Choose the way of the money and ask for it."""
    payment = (await tx.execute(_TAKEN, {"key": row.order_key})).one_or_none()
    if row.channel_case_no:
        await _payout(tx, row, due, ("channel", row.channel, row.shop), now)
        await case_channel.agree_refund(tx, row, due, now)
    elif payment is not None and payment.amount_minor - payment.back_minor >= due:
        await _payout(tx, row, due, ("provider", payment.provider, payment.account), now)
        await _ask_provider(tx, row, payment, due, now)
    else:
        await _payout(tx, row, due, ("hand", "", ""), now)
        words = f"{due / 100:.2f} {row.currency} have to be paid back by hand, then: oms case paid {row.no}"
        await alerts.raise_alert(tx, NewAlert(case_payouts.BY_HAND, Level.CRITICAL, row.no, words), now)


async def _payout(tx: AsyncConnection, row: Row[Any], due: int, way: tuple[str, str, str], now: datetime) -> None:
    values = {
        "key": payout_key(row.no),
        "grant": grant_key(row.no),
        "no": row.no,
        "order_key": row.order_key,
        "way": way[0],
        "vendor": way[1],
        "account": way[2],
        "amount": due,
        "currency": row.currency,
        "now": now,
    }
    await tx.execute(_PAYOUT, values)
    await audit.write(tx, "case.payout_wanted", row.no, now, way=way[0], amount_minor=due)


async def _ask_provider(tx: AsyncConnection, row: Row[Any], payment: Row[Any], due: int, now: datetime) -> None:
    key = refund_key(row.no)
    place = {"provider": payment.provider, "transaction_id": payment.transaction_id, "amount": due}
    about = {"key": key, "no": refund_no(key), "order_key": row.order_key, "now": now, "case_no": row.no}
    await tx.execute(_REFUND, place | about)
    await tx.execute(_BACK, place)
    await outgoing.add(
        tx, Queue(REFUND, payment.provider, payment.account), key, row.order_key, {"at": now.isoformat()}
    )


async def retry(tx: AsyncConnection, row: Row[Any], now: datetime) -> bool:
    """Ask again for a payout that failed, under the same key; False when none has."""
    if not (await tx.execute(_AGAIN, {"no": row.no})).rowcount:
        return False
    await alerts.clear(tx, row.no, now, case_payouts.FAILED)
    await outgoing.reopen(tx, refund_key(row.no), now)
    await outgoing.reopen(tx, case_channel.call_key(row.no, case_channel.AGREE_REFUND), now)
    return True
