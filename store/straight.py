"""The way of a statement to the driver. Owns the short one: what SQLAlchemy works out anew each time is kept.

Connections, their pool, transactions and errors are SQLAlchemy's as ever, and so is every statement that is not plain
text. Of a plain text it is known after its first run how it reads for the driver and in which order its values go; so
the next run is one call of the driver and not the dozen layers above it (docs/benchmarks.md: a third of a step's CPU).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import CursorResult, Executable, TextClause
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import greenlet_spawn

_COUNT = re.compile(r"(?:SELECT|UPDATE|DELETE|INSERT \d+) (\d+)")
_ROWLESS = SimpleResultMetaData(())
Row = Mapping[str, Any]


@dataclass(slots=True)
class _Known:
    """A statement as the driver takes it, its values in order, and what its answer is called."""

    sql: str
    values: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    answer: SimpleResultMetaData | None = None

    def ordered(self, row: Row) -> tuple[Any, ...]:
        """Put the values of a run in the driver's order. Raises KeyError for one that is missing."""
        return tuple([row[name] if turn is None else turn(row[name]) for name, turn in self.values])


class Answer(IteratorResult[Any]):
    """What a statement answered: its rows, and how many it changed."""

    def __init__(self, names: SimpleResultMetaData, rows: Sequence[Any], status: str) -> None:
        super().__init__(names, iter(rows))
        self._status = status

    @property
    def rowcount(self) -> int:
        """How many rows the statement found or changed; -1 where the database does not say."""
        count = _COUNT.match(self._status)
        return int(count[1]) if count else -1


_known: WeakKeyDictionary[TextClause, _Known | None] = WeakKeyDictionary()


class Straight(AsyncConnection):
    """A connection whose plain texts go straight to the driver from their second run on.

    One that is made for a single run is not worth it. Where somebody listens to the engine's events all goes the long
    way, for only there they are told.
    """

    __slots__ = ()
    _at_once = False

    async def execute(self, statement: Executable, parameters: Any = None, **options: Any) -> CursorResult[Any]:
        """Run a statement; `parameters` are the values of one run, or of many."""
        known = None if options else self._known(statement)
        if known is None:
            return await self._long(statement, parameters, options)
        values = [known.ordered(row) for row in (parameters if isinstance(parameters, list) else [parameters or {}])]
        return cast("CursorResult[Any]", await self._straight(known, values))

    async def _long(self, statement: Executable, parameters: Any, options: Row) -> CursorResult[Any]:
        return await super().execute(statement, parameters, **options)

    def _known(self, statement: Executable) -> _Known | None:
        if not isinstance(statement, TextClause) or self.sync_engine._has_events:
            return None
        found = _known.get(statement)
        if found is None:
            again = self._at_once or statement in _known
            _known[statement] = found = _compile(statement, self.dialect) if again else None
        return found

    async def _straight(self, known: _Known, runs: Sequence[tuple[Any, ...]]) -> Answer:
        driver = cast(Any, self.sync_connection).connection.dbapi_connection
        async with _Told(self.sync_connection, driver, known.sql), driver._execute_mutex:
            if driver._transaction is None and not self._at_once:
                await driver._start_transaction()
            if len(runs) == 1:
                return await _run(driver, known, runs[0], self.dialect)
            await driver._connection.executemany(known.sql, runs)
            return Answer(_ROWLESS, (), "")


class Alone(Straight):
    """A connection for one statement that is a transaction of its own: it is neither begun nor committed."""

    __slots__ = ()
    _at_once = True

    async def _long(self, statement: Executable, parameters: Any, options: Row) -> CursorResult[Any]:
        if not self.in_transaction():  # SQLAlchemy calls it one after its first statement, also where it is none
            await self.execution_options(isolation_level="AUTOCOMMIT")
        return await super()._long(statement, parameters, options)


async def _run(driver: Any, known: _Known, values: tuple[Any, ...], dialect: Any) -> Answer:
    prepared, attributes = await driver._prepare(known.sql, dialect._invalidate_schema_cache_asof)
    rows = await prepared.fetch(*values)
    if known.answer is None or len(known.answer._keys) != len(attributes or ()):
        known.answer = SimpleResultMetaData([attribute.name for attribute in attributes or ()])
    return Answer(known.answer, rows, prepared.get_statusmsg() or "")


class _Told:
    """Lets SQLAlchemy name whatever goes wrong meanwhile, and give the connection up where it must."""

    def __init__(self, connection: Any, driver: Any, sql: str) -> None:
        self._connection = connection
        self._driver = driver
        self._sql = sql

    async def __aenter__(self) -> None:
        """Begin."""

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End; also for a task that is cancelled in the middle of a statement."""
        if error is not None:
            await greenlet_spawn(self._translate, error)

    def _translate(self, error: BaseException) -> None:
        with self:
            if isinstance(error, Exception):
                self._driver._handle_exception(error)
            raise error

    def __enter__(self) -> None:
        """Begin to translate."""

    def __exit__(self, kind: object, named: BaseException | None, trace: object) -> None:
        """Raise what SQLAlchemy makes of the driver's error."""
        dialect = self._connection.dialect
        if isinstance(named, dialect.dbapi.InvalidCachedStatementError | dialect.dbapi.InternalServerError):
            dialect._invalidate_schema_cache()  # after a migration: all prepare anew
        self._connection._handle_dbapi_exception(named, self._sql, None, None, None)


def _compile(statement: TextClause, dialect: Any) -> _Known | None:
    """Work out once what the driver needs; None for a text that needs more at each run."""
    compiled = statement.compile(dialect=dialect)
    if compiled.post_compile_params or compiled.literal_execute_params:
        return None
    turns = compiled._bind_processors
    names = compiled.positiontup or []
    return _Known(compiled.string, tuple((name, cast(Any, turns.get(name))) for name in names))
