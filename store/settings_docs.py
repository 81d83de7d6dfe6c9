"""Business settings as versioned documents. Owns their schemas; the values ship in store/defaults/ and are data."""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.after_sales_policy import Policy
from domain.errors import BadInput
from domain.messages import MessageRules
from domain.observations import ChannelStatus, Observation, OrderHinted, OrderObserved
from domain.risk import RiskRules
from domain.sla import Sla
from domain.status_map import StatusMap
from domain.stock_rules import StockRules
from domain.timing import ApprovalTiming, CountTiming, LoopTiming, OrderTiming, PullTiming, RollTiming, Timing
from domain.watch import AlertLimits
from store.after_sales_doc import AfterSalesDocument
from store.alerts_doc import AlertsDocument
from store.durations import Duration, Durations
from store.messages_doc import MessagesDocument
from store.sla_doc import SlaDocument
from store.status_map_doc import StatusMapDocument
from store.stock_doc import StockDocument

DEFAULTS = Path(__file__).parent / "defaults"


class Profile(StrEnum):
    """Which column of the timing document is in force: real time, or time sped up for demo and tests."""

    LIVE = "live"
    DEMO = "demo"


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
    balance_seconds: Duration
    apply_poll_seconds: Duration
    deliver_poll_seconds: Duration
    drain_poll_seconds: Duration
    not_yet_retry_seconds: Duration
    courier_query_seconds: Duration
    warehouse_query_seconds: Duration
    breaker_retry_seconds: Duration
    sweep_poll_seconds: Duration
    drain_heartbeat_seconds: Duration
    call_lease_seconds: Duration
    delivery_lease_seconds: Duration
    drain_longest_seconds: Duration
    low_stock_poll_seconds: Duration
    audit_period_seconds: Duration
    mail_query_seconds: Duration
    stock_poll_seconds: Duration
    pull_period_seconds: Duration
    pull_overlap_seconds: Duration
    pull_reach_seconds: Duration
    pull_retries_seconds: Durations
    pull_heartbeat_seconds: Duration
    pull_beside_push_seconds: Duration
    pull_limited_seconds: Duration
    approval_remind_seconds: Duration
    approval_escalate_seconds: Duration
    count_period_seconds: Duration
    count_recheck_seconds: Duration
    roll_period_seconds: Duration
    roll_hour_seconds: Duration
    roll_day_seconds: Duration
    roll_delay_seconds: Duration
    roll_again_seconds: Duration
    roll_heal_seconds: Duration
    roll_reach_seconds: Duration

    def timing(self, version: int, profile: Profile) -> Timing:
        """Take one profile's values out."""
        values = {name: getattr(getattr(self, name), profile.value) for name in type(self).model_fields}
        order = {name: values.pop(name) for name in OrderTiming.__slots__}
        pull = {name: values.pop(f"pull_{name}") for name in PullTiming.__slots__}
        approval = {name: values.pop(f"approval_{name}") for name in ApprovalTiming.__slots__}
        count = {name: values.pop(f"count_{name}") for name in CountTiming.__slots__}
        roll = {name: values.pop(f"roll_{name}") for name in RollTiming.__slots__}
        parts = (PullTiming(**pull), ApprovalTiming(**approval), CountTiming(**count), RollTiming(**roll))
        return Timing(version, OrderTiming(**order), LoopTiming(**values), *parts)


class RiskDocument(BaseModel):
    """The risk rules (domain/risk.py)."""

    model_config = ConfigDict(extra="forbid")

    ip_orders: int = Field(ge=2)
    ip_window_minutes: int = Field(ge=1)
    address_least_characters: int = Field(ge=0)
    address_vague_words: tuple[str, ...]
    trusted_orders: int = Field(ge=1)


DOCUMENTS: dict[str, type[BaseModel]] = {
    "after_sales": AfterSalesDocument,
    "alerts": AlertsDocument,
    "messages": MessagesDocument,
    "timing": TimingDocument,
    "risk": RiskDocument,
    "sla": SlaDocument,
    "status_map": StatusMapDocument,
    "stock": StockDocument,
}
FILLED = frozenset({"timing", "stock", "alerts", "messages"})
"""Documents whose values stand each for itself, so that a stored version may lack the newest."""
MOST_FAULTS = 10
"""How many faults of a document are told at once."""

_ACTIVE = text("SELECT version, body FROM setting WHERE kind = :kind AND active")
_ACTIVE_VERSION = text("SELECT version FROM setting WHERE kind = :kind AND active")
_VERSION = text("SELECT version, body FROM setting WHERE kind = :kind AND version = :version")
_SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('setting:' || :kind, 0))")
_SEED = text(
    """
    INSERT INTO setting (kind, version, body, author, reason, active, created_at)
    VALUES (:kind, 1, :body, 'shipped default', 'first start', true, :now) ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("body", type_=JSONB))

_STATUS_MAPS: WeakKeyDictionary[Engine, StatusMap] = WeakKeyDictionary()
_RISK_RULES: WeakKeyDictionary[Engine, RiskRules] = WeakKeyDictionary()
_POLICIES: WeakKeyDictionary[Engine, tuple[Profile, Policy]] = WeakKeyDictionary()
_SLAS: WeakKeyDictionary[Engine, tuple[Profile, Sla]] = WeakKeyDictionary()
_MESSAGE_RULES: WeakKeyDictionary[Engine, dict[Profile, MessageRules]] = WeakKeyDictionary()
_STOCK_RULES: WeakKeyDictionary[Engine, tuple[Profile, StockRules]] = WeakKeyDictionary()
"""The last ones read from each database; a version never changes, so asking for its number is enough."""


async def seed(tx: AsyncConnection, now: datetime) -> None:
    """Store the shipped default of each document that has no version yet."""
    for file in sorted(DEFAULTS.glob("*.json")):
        await tx.execute(_SEED, {"kind": file.stem, "body": _read(file), "now": now})


async def timing(tx: AsyncConnection, profile: Profile) -> Timing:
    """Read the timing document in force."""
    row = (await tx.execute(_ACTIVE, {"kind": "timing"})).one()
    return TimingDocument.model_validate(filled("timing", row.body)).timing(row.version, profile)


def filled(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Complete a stored document: a version from before a value existed takes the shipped one."""
    return _read(DEFAULTS / f"{kind}.json") | body if kind in FILLED else body


async def risk(tx: AsyncConnection, version: int | None = None) -> RiskRules:
    """Give a version of the risk rules, the one in force unless the caller knows it; only a new one is read whole."""
    if version is None:
        version = int((await tx.execute(_ACTIVE_VERSION, {"kind": "risk"})).scalar_one())
    known = _RISK_RULES.get(tx.sync_engine)
    if known is None or known.version != version:
        row = (await tx.execute(_VERSION, {"kind": "risk", "version": version})).one()
        known = RiskRules(version=version, **RiskDocument.model_validate(row.body).model_dump())
        _RISK_RULES[tx.sync_engine] = known
    return known


async def alert_limits(tx: AsyncConnection, profile: Profile) -> AlertLimits:
    """Read from where on the watch tells somebody; the shipped limits before the first start of this version."""
    row = (await tx.execute(_ACTIVE, {"kind": "alerts"})).one_or_none()
    body = row.body if row else _read(DEFAULTS / "alerts.json")
    return AlertsDocument.model_validate(filled("alerts", body)).limits(profile.value)


async def stock_rules(tx: AsyncConnection, profile: Profile) -> StockRules:
    """Read the stock rules in force, by one small query while their version stays the same; else the shipped ones."""
    version = (await tx.execute(_ACTIVE_VERSION, {"kind": "stock"})).scalar_one_or_none() or 0
    known = _STOCK_RULES.get(tx.sync_engine)
    if known is not None and known[0] is profile and known[1].version == version:
        return known[1]
    row = (await tx.execute(_ACTIVE, {"kind": "stock"})).one_or_none()
    body, version = (row.body, row.version) if row else (_read(DEFAULTS / "stock.json"), 0)
    rules = StockDocument.model_validate(filled("stock", body)).rules(version, profile.value)
    _STOCK_RULES[tx.sync_engine] = (profile, rules)
    return rules


async def after_sales(tx: AsyncConnection, profile: Profile) -> Policy:
    """Read the after-sales policy in force, by one small query while its version stays the same."""
    version = (await tx.execute(_ACTIVE_VERSION, {"kind": "after_sales"})).scalar_one_or_none() or 0
    known = _POLICIES.get(tx.sync_engine)
    if known is None or known[0] is not profile or known[1].version != version:
        body = await _in_force(tx, "after_sales")
        known = (profile, AfterSalesDocument.model_validate(body).policy(version, profile.value))
        _POLICIES[tx.sync_engine] = known
    return known[1]


async def sla(tx: AsyncConnection, profile: Profile) -> Sla:
    """Read the deadlines and ladders in force, by one small query while their version stays the same."""
    version = (await tx.execute(_ACTIVE_VERSION, {"kind": "sla"})).scalar_one_or_none() or 0
    known = _SLAS.get(tx.sync_engine)
    if known is None or known[0] is not profile or known[1].version != version:
        body = await _in_force(tx, "sla")
        known = (profile, SlaDocument.model_validate(body).sla(version, profile.value))
        _SLAS[tx.sync_engine] = known
    return known[1]


async def sla_targets(tx: AsyncConnection) -> tuple[float, float]:
    """Read what is aimed at for cases: at most so many hours on the average, at least so many percent closed."""
    told = SlaDocument.model_validate(await _in_force(tx, "sla"))
    return told.case_mean_hours, told.case_closed_percent


async def in_force(tx: AsyncConnection, kind: str) -> dict[str, Any]:
    """Give a document in force as people see it, with the shipped value of what an older version lacks."""
    return filled(kind, await _in_force(tx, kind))


async def _in_force(tx: AsyncConnection, kind: str) -> dict[str, Any]:
    """Give a document in force; the shipped one before the first start of this version."""
    row = (await tx.execute(_ACTIVE, {"kind": kind})).one_or_none()
    return row.body if row else _read(DEFAULTS / f"{kind}.json")


async def message_rules(tx: AsyncConnection, profile: Profile = Profile.LIVE) -> MessageRules:
    """Read who hears of what, by one small query while its version stays the same; else the shipped rules (OPS-3)."""
    version = (await tx.execute(_ACTIVE_VERSION, {"kind": "messages"})).scalar_one_or_none() or 0
    kept = _MESSAGE_RULES.setdefault(tx.sync_engine, {})
    if (found := kept.get(profile)) is not None and found.version == version:
        return found
    row = (await tx.execute(_ACTIVE, {"kind": "messages"})).one_or_none()
    body, version = (row.body, row.version) if row else (_read(DEFAULTS / "messages.json"), 0)
    document = MessagesDocument.model_validate(filled("messages", body))
    kept[profile] = document.rules_in_force(version, profile.value)
    return kept[profile]


async def status_map(tx: AsyncConnection) -> StatusMap:
    """Read the status map in force: one small query while its version stays the same (INT-13).

    A channel that a version does not name takes its shipped codes, as when the version is older than the channel.
    """
    version = (await tx.execute(_ACTIVE_VERSION, {"kind": "status_map"})).scalar_one_or_none()
    known = _STATUS_MAPS.get(tx.sync_engine)
    if known is None or known.version != version:
        row = (await tx.execute(_ACTIVE, {"kind": "status_map"})).one_or_none()
        known = status_map_of(row.version, row.body) if row else StatusMap(0)
        _STATUS_MAPS[tx.sync_engine] = known
    return known


async def resolved(tx: AsyncConnection, seen: Observation) -> Observation:
    """Give what a channel said its canonical status; only a raw code costs a query, an unknown one stays UNMAPPED."""
    if isinstance(seen, OrderObserved | OrderHinted) and seen.status is ChannelStatus.UNMAPPED:
        return (await status_map(tx)).resolve(seen)
    return seen


async def resolved_all(tx: AsyncConnection, batch: Sequence[Observation]) -> list[Observation]:
    """Resolve many, as `resolved` does one, with at most one query."""
    if all(one.status is not ChannelStatus.UNMAPPED for one in batch if isinstance(one, OrderObserved | OrderHinted)):
        return list(batch)
    known = await status_map(tx)
    return [known.resolve(one) if isinstance(one, OrderObserved | OrderHinted) else one for one in batch]


async def resolved_for_certain(tx: AsyncConnection, seen: OrderObserved) -> OrderObserved:
    """Resolve a code that seemed unknown once more, and keep the map in force until this transaction ends."""
    await tx.execute(_SHARE, {"kind": "status_map"})
    return (await status_map(tx)).resolve(seen)


def status_map_of(version: int, body: dict[str, Any]) -> StatusMap:
    """Make the map that a document stands for."""
    shipped = _read(DEFAULTS / "status_map.json")
    document = StatusMapDocument.model_validate({"channels": shipped["channels"] | body["channels"]})
    return document.status_map(version)


def known(kind: str) -> str:
    """Give back a kind of document that exists; BadInput names the kinds there are."""
    if kind not in DOCUMENTS:
        raise BadInput(f"no settings document {kind!r}; known are {', '.join(sorted(DOCUMENTS))}")
    return kind


def validated(kind: str, body: Any) -> BaseModel:
    """Check a document against its schema; BadInput names what is wrong, where, and what is allowed."""
    try:
        return DOCUMENTS[known(kind)].model_validate(body)
    except ValidationError as error:
        faults = error.errors()
        words = [_fault(one["loc"], one["msg"], one["input"]) for one in faults[:MOST_FAULTS]]
        more = f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        raise BadInput(f"{kind}: {'; '.join(words)}{more}") from None


def _fault(place: tuple[int | str, ...], words: str, found: Any) -> str:
    path = [str(part) for part in place if part != "[key]"]
    if path[:1] == ["channels"] and len(path) > 1:
        path = [f"channel {path[1]}", *(f"code {code}" for code in path[2:3]), *path[3:]]
    plain = words.removeprefix("Value error, ")
    said = plain if isinstance(found, dict | list) else f"{plain}, found {json.dumps(found, ensure_ascii=False)[:60]}"
    return f"{', '.join(path) or 'the document'}: {said[:1].lower()}{said[1:]}"


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text())
    DOCUMENTS[file.stem].model_validate(document)
    return document
