"""Posting receivable changes: an export with a number, and its file. For console and command line (EXC-2)."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from clients.clock import Clock
from domain.errors import BadInput
from store import audit, receivables
from store.database import Database
from store.numbers import DAY_OF
from store.reads import receivables as reads

HEAD = ("导出号", "变动", "渠道", "店铺", "订单号", "金额", "币种", "原因", "来源", "时间")
"""The columns of the file; what stands in them are our own keys, which an ERP can compare."""


class ReceivableExports:
    """Makes exports and writes their files."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def post(self, request_key: str, actor: str) -> str:
        """Post all that waits under one export; gives its number, the same for the same request."""
        async with self._database.transaction() as tx:
            return await receivables.export(tx, request_key, actor, self._clock())

    async def file(self, no: str, actor: str) -> bytes:
        """Write the file of an export, the same every time, and note who took it. BadInput when there is none."""
        async with self._database.transaction() as tx:
            rows = await reads.held(tx, no)
            if not rows:
                raise BadInput(f"there is no export {no}; see oms receivable list")
            await audit.write(tx, "receivable.downloaded", no, self._clock(), actor=actor)
        return _csv(rows)


def _csv(rows: Sequence[Any]) -> bytes:
    """Write changes as a spreadsheet reads them (UTF-8 with BOM)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEAD, *(_cells(row) for row in rows)])
    return text.getvalue().encode("utf-8-sig")


def _cells(row: Any) -> tuple[str, ...]:
    channel, shop, order_no = row.order_key.split(":", 2)
    amount = f"{row.amount_minor / 100:.2f}"
    at = row.at.astimezone(DAY_OF).isoformat(timespec="seconds")
    return row.export_no, row.key, channel, shop, order_no, amount, row.currency, row.reason, row.source, at
