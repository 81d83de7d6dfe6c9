"""The facts, as tables. Importing this package registers all of them in SQLModel.metadata."""

from sqlmodel import SQLModel

from store.tables import (
    approvals,
    breakers,
    cases,
    completeness,
    counts,
    exposure,
    intake,
    listings,
    messages,
    orders,
    parcels,
    payments,
    portal,
    presale,
    pulls,
    returns,
    sayings,
    service,
    settings,
    stock,
    stock_audit,
    transfers,
    users,
)
from store.tables.columns import give_server_defaults

give_server_defaults([model for model in SQLModel.__subclasses__() if hasattr(model, "__table__")])

__all__ = [
    "SQLModel",
    "approvals",
    "breakers",
    "cases",
    "completeness",
    "counts",
    "exposure",
    "intake",
    "listings",
    "messages",
    "orders",
    "parcels",
    "payments",
    "portal",
    "presale",
    "pulls",
    "returns",
    "sayings",
    "service",
    "settings",
    "stock",
    "stock_audit",
    "transfers",
    "users",
]
