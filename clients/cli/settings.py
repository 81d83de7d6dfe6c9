"""`oms settings list, show, activate, rollback`: business settings as versioned documents (CFG-1)."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.errors import BadInput
from store.database import Database
from store.settings_trial import Trial, try_out
from store.settings_versions import Activated, Change, SettingVersions

settings_app = typer.Typer(no_args_is_help=True)
MOST_BYTES = 1024 * 1024
Kind = Annotated[str, typer.Argument(help="status_map, risk or timing")]
Reason = Annotated[str, typer.Option(help="why, for whoever reads it later")]
Actor = Annotated[str, typer.Option(help="your login; stands beside the version and in the audit log")]
Base = Annotated[int | None, typer.Option(help="the version that you started from; refused when another is in force")]


@settings_app.command(name="list")
def list_(kind: Annotated[str | None, typer.Argument(help="list every version of one document")] = None) -> None:
    """List the documents in force, or all versions of one."""

    async def work() -> None:
        async with session() as opened:
            rows = await SettingVersions(opened.database).rows(kind)
        table = Table(Column("kind", no_wrap=True), "version", "in force", "author", "since (UTC)", "reason", box=None)
        for row in rows:
            words = (row.author, f"{row.created_at:%Y-%m-%d %H:%M:%S}", row.reason)
            table.add_row(row.kind, str(row.version), "yes" if row.active else "", *map(escape, words))
        out.print(table if rows else "no settings yet: a worker brings the shipped ones when it starts")

    told(work)


@settings_app.command()
def show(kind: Kind, version: Annotated[int | None, typer.Option(help="another than the one in force")] = None) -> None:
    """Print one document as JSON: change it in a file, then activate that."""

    async def work() -> dict[str, Any]:
        async with session() as opened:
            row = await SettingVersions(opened.database).one(kind, version)
            return dict(row.body)

    typer.echo(json.dumps(told(work), ensure_ascii=False, indent=2))


@settings_app.command()
def activate(
    kind: Kind,
    file: Annotated[Path, typer.Option(help="the whole document, JSON")],
    reason: Reason = "",
    actor: Actor = "",
    base: Base = None,
    try_: Annotated[bool, typer.Option("--try", help="say what it would change, and change nothing")] = False,
) -> None:
    """Put a document in force for everything that is decided from now on; running steps keep what they began with."""

    async def work() -> None:
        async with session() as opened:
            if try_:
                _print_trial(kind, await try_out(opened.database, kind, _read(file), opened.ring))
            else:
                change = await _change(opened.database, kind, (actor, reason, base))
                _print(kind, await SettingVersions(opened.database).activate(kind, _read(file), change))

    told(work)


@settings_app.command()
def rollback(
    kind: Kind,
    to: Annotated[int, typer.Option(help="the version whose document comes in force again")],
    reason: Reason = "",
    actor: Actor = "",
    base: Base = None,
) -> None:
    """Put an old document in force again, as a new version."""

    async def work() -> None:
        async with session() as opened:
            change = await _change(opened.database, kind, (actor, reason, base))
            _print(kind, await SettingVersions(opened.database).roll_back(kind, to, change))

    told(work)


async def _change(database: Database, kind: str, told_of: tuple[str, str, int | None]) -> Change:
    """Take the version in force at the start for the base, so that of two commands at once only one wins."""
    actor, reason, base = told_of
    if not actor.strip() or not reason.strip():
        raise BadInput("say who and why: --actor YOU --reason WORDS")
    found = base if base is not None else (await SettingVersions(database).one(kind)).version
    return Change(actor.strip(), reason.strip(), utc_now(), found)


def _read(file: Path) -> dict[str, Any]:
    """Read a JSON object; BadInput says what is wrong with the file."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadInput(f"{file} is larger than {MOST_BYTES} bytes: no settings document is")
        body = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{file} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(body, dict):
        raise BadInput(f"{file} holds no JSON object; see oms settings show")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: JSON would silently keep the last one."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadInput(f"{name!r} stands twice in one object: keep one of them")
        found[name] = value
    return found


def _print(kind: str, activated: Activated) -> None:
    waited = f"; messages that waited for it and are queued again: {activated.queued}" if activated.queued else ""
    out.print(f"{kind}: version {activated.version} is in force, was {activated.was}{waited}", highlight=False)


def _print_trial(kind: str, trial: Trial) -> None:
    lines = [f"{kind}, compared with version {trial.base}:", *trial.lines]
    lines += [] if trial.lines else ["no difference"]
    for (channel, code, words), count in trial.orders.items():
        lines.append(f"{channel} {code}: stored orders that would read {words}: {count}")
    for (channel, code), count in trial.booked.items():
        lines.append(f"{channel} {code}: messages that wait and would be booked: {count}")
    if trial.past:
        lines.append(f"would change {trial.past.changed} of {trial.past.tried} past {trial.past.noun}")
    for line in [*lines, "nothing is activated"]:
        out.print(escape(line), highlight=False, soft_wrap=True)
