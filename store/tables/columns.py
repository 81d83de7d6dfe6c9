"""Column kinds that several tables share."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, DefaultClause, Identity, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

UTC = DateTime(timezone=True)
TX_NOW = text("((pg_current_xact_id())::text)::bigint")
"""The transaction that writes a row. Who reads later asks for those from the oldest that was still running at his last
look: numbers of a sequence would not do, for a lower one may be committed after a higher one."""

# Before any table: constraints need names that migrations can speak of.
SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
}


def serial() -> Any:
    """A bigint key that the database counts."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def moment(*, index: bool = False) -> Any:
    """A required aware UTC time."""
    return Field(sa_type=UTC, nullable=False, index=index)


def maybe_moment() -> Any:
    """An aware UTC time that may be absent."""
    return Field(default=None, sa_type=UTC, nullable=True)


def minor() -> Any:
    """An amount in minor units."""
    return Field(default=0, sa_type=BigInteger, nullable=False)


def document() -> Any:
    """A JSON document without personal data."""
    return Field(default_factory=dict, sa_type=JSONB, nullable=False)


def sealed() -> Any:
    """A value sealed by the key ring."""
    return Field(sa_type=LargeBinary, nullable=False)


def maybe_sealed() -> Any:
    """A sealed value that may be absent."""
    return Field(default=None, sa_type=LargeBinary, nullable=True)


def big() -> Any:
    """A reference to a serial key."""
    return Field(sa_type=BigInteger, nullable=False)


def maybe_big() -> Any:
    """A reference to a serial key that may be absent."""
    return Field(default=None, sa_type=BigInteger, nullable=True)


def give_server_defaults(models: list[type[SQLModel]]) -> None:
    """Let the database know the defaults that the models state, so that plain SQL inserts may leave them out."""
    for model in models:
        columns = SQLModel.metadata.tables[str(model.__tablename__)].columns
        for name, info in model.model_fields.items():
            if isinstance(info.default, bool | int | str) and not columns[name].primary_key:
                columns[name].server_default = DefaultClause(_literal(info.default))


def _literal(value: bool | int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
