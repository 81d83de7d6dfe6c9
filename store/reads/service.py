"""The service board: tickets, exceptions and after-sales cases by deadline, and what their pages show (EXC-4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from domain.tickets import Beside
from store import tickets
from store.database import Database
from store.keyring import KeyRing

MOST = 300
_OPEN = """
    SELECT 'ticket' AS process, no, order_key, kind, source AS about, state, owner, due_at, opened_at FROM ticket
    WHERE closed_at IS NULL
    UNION ALL SELECT 'exception', no, order_key, kind, compensation, state, owner, due_at, opened_at
    FROM order_exception WHERE closed_at IS NULL
    UNION ALL SELECT 'case', no, order_key, kind, reason, state, owner, due_at, opened_at FROM after_sales_case
    WHERE closed_at IS NULL
    """
_BOARD = text(
    f"""
    SELECT * FROM ({_OPEN}) one
    WHERE (CAST(:process AS text) = '' OR process = :process) AND (CAST(:owner AS text) = '' OR owner = :owner)
    ORDER BY due_at NULLS LAST, opened_at, no LIMIT :most
    """  # noqa: S608  (no value in it)
)
_COUNTS = text(
    f"SELECT process, count(*) AS n, count(*) FILTER (WHERE owner = :owner) AS mine FROM ({_OPEN}) one GROUP BY 1"  # noqa: S608
)
_EXCEPTIONS = text(
    """
    SELECT * FROM order_exception WHERE (closed_at IS NULL) = :open
    ORDER BY CASE WHEN :open THEN due_at END NULLS LAST, closed_at DESC, no LIMIT :most
    """
)
_OF_ORDER = text("SELECT * FROM order_exception WHERE order_key = :key ORDER BY no")
_EXCEPTION = text("SELECT * FROM order_exception WHERE no = :no")
_LINES = text(
    """
    SELECT e.*, l.title FROM exception_line e JOIN order_exception x ON x.no = e.exception_no
        LEFT JOIN order_line l ON l.order_key = x.order_key AND l.line_no = e.line_no
    WHERE e.exception_no = :no ORDER BY e.line_no
    """
)
_CLAIM = text("SELECT * FROM claim WHERE exception_no = :no")
_CLAIMS = text("SELECT * FROM claim WHERE (ended_at IS NULL) = :open ORDER BY opened_at DESC, no LIMIT :most")
_RED = text("SELECT * FROM red_letter_draft WHERE exception_no = :no")
_CHANGES = text(
    """
    SELECT * FROM receivable_change WHERE source IN (:source, :claim) ORDER BY id
    """
)
_REPLACEMENT = text("SELECT key, no, status, shipped_at, signed_at FROM orders WHERE key = :key")
_CASE = text("SELECT no, state, outcome FROM after_sales_case WHERE no = :no")
_STORY = text("SELECT at, actor, action, detail FROM audit WHERE subject = :no ORDER BY id DESC LIMIT 200")
_TICKET = text("SELECT * FROM ticket WHERE no = :no")
_SAME_BUYER = text(
    """
    SELECT no, kind, source, state, order_key, opened_at FROM ticket
    WHERE buyer_index = :buyer AND buyer_index <> '' AND no <> :no ORDER BY opened_at DESC LIMIT 20
    """
)


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """One exception with all that it led to."""

    row: Row[Any]
    words: str
    lines: Sequence[Row[Any]]
    claim: Row[Any] | None
    red: Row[Any] | None
    changes: Sequence[Row[Any]]
    replacement: Row[Any] | None
    case: Row[Any] | None
    story: Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One ticket with its log, oldest first, and what else the customer said."""

    row: Row[Any]
    log: Sequence[tuple[Row[Any], str]]
    others: Sequence[Row[Any]]
    beside: Mapping[int, Beside]
    """What came with an entry of the log, by its id."""


class ServiceReads:
    """Reads for the board and its pages."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def board(self, process: str = "", owner: str = "", most: int = MOST) -> list[Row[Any]]:
        """List what is open, the most urgent first."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_BOARD, {"process": process, "owner": owner, "most": most}))

    async def counts(self, login: str) -> tuple[dict[str, int], int]:
        """Count what is open by kind, and what is this person's."""
        async with self._database.transaction() as tx:
            rows = list(await tx.execute(_COUNTS, {"owner": login}))
        return {row.process: row.n for row in rows}, sum(row.mine for row in rows)

    async def exceptions(self, *, open_: bool = True, most: int = MOST) -> list[Row[Any]]:
        """List exceptions: open ones by deadline, closed ones newest first."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_EXCEPTIONS, {"open": open_, "most": most}))

    async def of_order(self, key: str) -> list[Row[Any]]:
        """List the exceptions of an order."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_OF_ORDER, {"key": key}))

    async def claims(self, *, open_: bool = True, most: int = MOST) -> list[Row[Any]]:
        """List claims, newest first."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_CLAIMS, {"open": open_, "most": most}))

    async def exception(self, no: str) -> ExceptionPage | None:
        """Read one exception with all that it led to."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_EXCEPTION, {"no": no})).one_or_none()
            if row is None:
                return None
            claim = (await tx.execute(_CLAIM, {"no": no})).one_or_none()
            source = {"source": f"exception:{no}", "claim": f"claim:{claim.no}" if claim else ""}
            return ExceptionPage(
                row=row,
                words=self._ring.open_text(row.words_sealed, f"exception.words|{no}") if row.words_sealed else "",
                lines=list(await tx.execute(_LINES, {"no": no})),
                claim=claim,
                red=(await tx.execute(_RED, {"no": no})).one_or_none(),
                changes=list(await tx.execute(_CHANGES, source)),
                replacement=(await tx.execute(_REPLACEMENT, {"key": row.replacement_key})).one_or_none(),
                case=(await tx.execute(_CASE, {"no": row.case_no})).one_or_none(),
                story=list(await tx.execute(_STORY, {"no": no})),
            )

    async def ticket(self, no: str) -> TicketPage | None:
        """Read one ticket, its words opened."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_TICKET, {"no": no})).one_or_none()
            if row is None:
                return None
            log = await tickets.log(tx, self._ring, no)
            others = list(await tx.execute(_SAME_BUYER, {"buyer": row.buyer_index, "no": no}))
        beside = {entry.id: tickets.beside(self._ring, entry) for entry, _ in log}
        return TicketPage(row, log, others, beside)
