"""Shops and warehouses in SQL; credentials are sealed and opened here only."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.errors import BadInput
from domain.shops import Role, Shop
from store import alerts, audit, tokens
from store.database import Database
from store.keyring import KeyRing

_SHOPS = """
    SELECT s.*, t.token_sealed, t.version, t.expires_at, t.renew_at
    FROM shop s LEFT JOIN shop_token t USING (vendor, code) WHERE s.active
    """
_ONE = text(f"{_SHOPS} AND vendor = :vendor AND code = :code")
_ALL = text(f"{_SHOPS} ORDER BY role, vendor, code")
_ADD = text(
    """
    INSERT INTO shop (vendor, code, role, zone, currency, endpoint_url, key_id, secrets_sealed, params, answers,
        created_at)
    VALUES (:vendor, :code, :role, :zone, :currency, :endpoint_url, :key_id, :secrets, :params, :answers, :now)
    ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("params", type_=JSONB))
_SECRETS = text("UPDATE shop SET secrets_sealed = :secrets WHERE vendor = :vendor AND code = :code AND active")
_LOCKED = text("SELECT secrets_sealed FROM shop WHERE vendor = :vendor AND code = :code AND active FOR UPDATE")
_BACKUP = text("UPDATE shop SET backup = :on WHERE vendor = :vendor AND code = :code AND active")
_PARAMS = text(
    "UPDATE shop SET params = :params, answers = :answers WHERE vendor = :vendor AND code = :code AND active"
).bindparams(bindparam("params", type_=JSONB))
_WAREHOUSE = text(
    """
    INSERT INTO warehouse (code, name, province, vendor, shop, carrier, rank)
    VALUES (:code, :name, :province, :vendor, :shop, :carrier, (SELECT count(*) FROM warehouse))
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class NewWarehouse:
    """A physical warehouse behind a WMS account; `carrier` is the courier it ships with by default."""

    code: str
    name: str
    province: str
    carrier: str


class Shops:
    """Reads and adds shops."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def find(self, vendor: str, code: str) -> Shop | None:
        """Give one active shop with its credentials opened, or None."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ONE, {"vendor": vendor, "code": code})).one_or_none()
        return self._shop(row) if row else None

    async def all(self) -> list[Shop]:
        """Give every active shop."""
        async with self._database.transaction() as tx:
            return [self._shop(row) for row in await tx.execute(_ALL)]

    async def add(self, shop: Shop, warehouse: NewWarehouse | None, now: datetime) -> None:
        """Add a shop (and the warehouse it speaks for); raise BadInput when one of that name exists."""
        sealed = self._sealed(shop.vendor, shop.code, shop.secrets, shop.sealed)
        names = "vendor code role zone currency endpoint_url key_id params answers"
        values = {name: getattr(shop, name) for name in names.split()} | {"secrets": sealed, "now": now}
        async with self._database.transaction() as tx:
            if not (await tx.execute(_ADD, values | {"role": shop.role.value})).rowcount:
                raise BadInput(f"a shop {shop.vendor}/{shop.code} exists already; choose another code")
            if warehouse is not None:
                await _add_warehouse(tx, shop, warehouse)
            await audit.write(tx, "shop.added", f"{shop.vendor}/{shop.code}", now, actor="cli", role=shop.role.value)

    async def set_secrets(
        self,
        account: tuple[str, str],
        secrets: tuple[str, ...],
        actor: str,
        now: datetime,
        sealed: dict[str, str] | None = None,
    ) -> None:
        """Replace the keys of a shop (vendor, code), the one in use first (INT-14); BadInput when there is none.

        Of its secret params only those change that are given.
        """
        vendor, code = account
        async with self._database.transaction() as tx:
            row = (await tx.execute(_LOCKED, {"vendor": vendor, "code": code})).one_or_none()
            if row is None:
                raise BadInput(f"no shop {vendor}/{code} is connected; see oms shop list")
            params = self._opened(vendor, code, row.secrets_sealed)[1] | (sealed or {})
            values = {"secrets": self._sealed(vendor, code, secrets, params)}
            await tx.execute(_SECRETS, {"vendor": vendor, "code": code} | values)
            await audit.write(tx, "shop.key", f"{vendor}/{code}", now, actor=actor, keys=len(secrets))
            await alerts.clear(tx, f"{vendor}/{code}", now, "signatures")

    async def set_backup(self, vendor: str, code: str, on: bool, actor: str, now: datetime) -> None:
        """Turn backup verification of a shop on or off (INT-17); BadInput when there is no such shop."""
        async with self._database.transaction() as tx:
            if not (await tx.execute(_BACKUP, {"vendor": vendor, "code": code, "on": on})).rowcount:
                raise BadInput(f"no shop {vendor}/{code} is connected; see oms shop list")
            await audit.write(tx, "shop.backup", f"{vendor}/{code}", now, actor=actor, on=on)

    async def set_params(self, shop: Shop, actor: str, now: datetime) -> None:
        """Replace what a row says beside its keys; BadInput when there is no such shop."""
        where = {"vendor": shop.vendor, "code": shop.code}
        async with self._database.transaction() as tx:
            values = {"params": shop.params, "answers": shop.answers}
            if not (await tx.execute(_PARAMS, where | values)).rowcount:
                raise BadInput(f"no shop {shop.vendor}/{shop.code} is connected; see oms shop list")
            await audit.write(
                tx, "shop.params", f"{shop.vendor}/{shop.code}", now, actor=actor, names=sorted(shop.params)
            )

    def _sealed(self, vendor: str, code: str, secrets: tuple[str, ...], params: dict[str, str]) -> bytes:
        """Seal keys, and the secret params where there are any."""
        body = {"keys": secrets, "params": params} if params else secrets
        return self._ring.seal(json.dumps(body).encode(), f"shop.secrets|{vendor}|{code}")

    def _opened(self, vendor: str, code: str, sealed: bytes) -> tuple[tuple[str, ...], dict[str, str]]:
        body = json.loads(self._ring.open(sealed, f"shop.secrets|{vendor}|{code}"))
        return (tuple(body["keys"]), body["params"]) if isinstance(body, dict) else (tuple(body), {})

    def _shop(self, row: Row[Any]) -> Shop:
        secrets, sealed = self._opened(row.vendor, row.code, row.secrets_sealed)
        return Shop(
            vendor=row.vendor,
            code=row.code,
            role=Role(row.role),
            zone=row.zone,
            currency=row.currency,
            endpoint_url=row.endpoint_url,
            key_id=row.key_id,
            secrets=secrets,
            sealed=sealed,
            params=row.params,
            answers=row.answers,
            backup=row.backup,
            token=tokens.opened(self._ring, row),
        )


async def _add_warehouse(tx: AsyncConnection, shop: Shop, new: NewWarehouse) -> None:
    names = {"code": new.code, "name": new.name, "province": new.province, "carrier": new.carrier}
    if not (await tx.execute(_WAREHOUSE, names | {"vendor": shop.vendor, "shop": shop.code})).rowcount:
        raise BadInput(f"a warehouse {new.code} exists already; choose another code")
