"""Business settings as versioned documents. Owns their schemas; the values ship in store/defaults/ and are data."""

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.risk import RiskRules
from domain.timing import LoopTiming, OrderTiming, PullTiming, Timing

DEFAULTS = Path(__file__).parent / "defaults"


class Profile(StrEnum):
    """Which column of the timing document is in force: real time, or time sped up for demo and tests."""

    LIVE = "live"
    DEMO = "demo"


class Duration(BaseModel):
    """One duration in seconds, for real and sped up."""

    model_config = ConfigDict(extra="forbid")

    live: float = Field(gt=0)
    demo: float = Field(gt=0)


class Durations(BaseModel):
    """Several durations in seconds, in their order, for real and sped up."""

    model_config = ConfigDict(extra="forbid")

    live: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1, max_length=20)
    demo: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1, max_length=20)


class TimingDocument(BaseModel):
    """Every wait, retry interval and poll period (names as in domain/timing.py)."""

    model_config = ConfigDict(extra="forbid")

    unpaid_lock_seconds: Duration
    late_payment_seconds: Duration
    ship_by_seconds: Duration
    ship_warning_seconds: Duration
    sign_by_seconds: Duration
    settle_seconds: Duration
    retry_first_seconds: Duration
    retry_longest_seconds: Duration
    apply_poll_seconds: Duration
    deliver_poll_seconds: Duration
    drain_poll_seconds: Duration
    not_yet_retry_seconds: Duration
    courier_query_seconds: Duration
    breaker_retry_seconds: Duration
    sweep_poll_seconds: Duration
    drain_heartbeat_seconds: Duration
    call_lease_seconds: Duration
    delivery_lease_seconds: Duration
    pull_period_seconds: Duration
    pull_overlap_seconds: Duration
    pull_reach_seconds: Duration
    pull_retries_seconds: Durations

    def timing(self, version: int, profile: Profile) -> Timing:
        """Take one profile's values out."""
        values = {name: getattr(getattr(self, name), profile.value) for name in type(self).model_fields}
        order = {name: values.pop(name) for name in OrderTiming.__slots__}
        pull = {name: values.pop(f"pull_{name}") for name in PullTiming.__slots__}
        return Timing(version, OrderTiming(**order), LoopTiming(**values), PullTiming(**pull))


class RiskDocument(BaseModel):
    """The risk rules (domain/risk.py)."""

    model_config = ConfigDict(extra="forbid")

    ip_orders: int = Field(ge=2)
    ip_window_minutes: int = Field(ge=1)
    address_least_characters: int = Field(ge=0)
    address_vague_words: tuple[str, ...]
    trusted_orders: int = Field(ge=1)


DOCUMENTS: dict[str, type[BaseModel]] = {"timing": TimingDocument, "risk": RiskDocument}

_ACTIVE = text("SELECT version, body FROM setting WHERE kind = :kind AND active")
_SEED = text(
    """
    INSERT INTO setting (kind, version, body, author, reason, active, created_at)
    VALUES (:kind, 1, :body, 'shipped default', 'first start', true, :now) ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("body", type_=JSONB))


async def seed(tx: AsyncConnection, now: datetime) -> None:
    """Store the shipped default of each document that has no version yet."""
    for file in sorted(DEFAULTS.glob("*.json")):
        await tx.execute(_SEED, {"kind": file.stem, "body": _read(file), "now": now})


async def timing(tx: AsyncConnection, profile: Profile) -> Timing:
    """Read the timing document in force."""
    row = (await tx.execute(_ACTIVE, {"kind": "timing"})).one()
    body = _read(DEFAULTS / "timing.json") | row.body  # a version from before a value existed takes the shipped one
    return TimingDocument.model_validate(body).timing(row.version, profile)


async def risk(tx: AsyncConnection) -> RiskRules:
    """Read the risk rules in force."""
    row = (await tx.execute(_ACTIVE, {"kind": "risk"})).one()
    return RiskRules(version=row.version, **RiskDocument.model_validate(row.body).model_dump())


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text())
    DOCUMENTS[file.stem].model_validate(document)
    return document
