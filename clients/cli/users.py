"""`oms user add, list, role, deactivate, activate, password`: who may work at the console (SEC-2)."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from clients.passwords import Passwords, check_login, one_time_password
from domain.permissions import UserRole
from store.replay import By
from store.users import ConsoleUsers

user_app = typer.Typer(no_args_is_help=True)
Login = Annotated[str, typer.Argument(help="such as alice; it is written into histories: never a full name")]
Actor = Annotated[str, typer.Option(help="who does this; stands in the audit log")]
ONE_TIME = "one-time password (shown this once; the first login asks for a new one)"


@user_app.command()
def add(
    login: Login,
    role: Annotated[UserRole, typer.Option(help="what the user may do")],
    actor: Actor = "cli",
) -> None:
    """Add a user and print a one-time password."""
    password = one_time_password()

    async def work(users: ConsoleUsers, by: By) -> None:
        await users.add(check_login(login), role, await Passwords().hash(password), by)

    _change(work, actor)
    out.print(f"{login} ({role.value}) · {ONE_TIME}: {password}", highlight=False, soft_wrap=True, markup=False)


@user_app.command(name="list")
def list_() -> None:
    """List the users."""

    async def work() -> Table | str:
        async with session() as opened:
            users = await ConsoleUsers(opened.database).all()
        table = Table("login", "role", "state", "last login (UTC)", box=None)
        for user in users:
            state = "deactivated" if not user.active else "has a one-time password" if user.must_change else "active"
            seen = f"{user.seen_at:%Y-%m-%d %H:%M}" if user.seen_at else "never"
            table.add_row(user.login, user.role.value, state, seen)
        return table if users else "no users yet: the console creates admin when it first starts"

    out.print(told(work))


@user_app.command()
def role(login: Login, role: Annotated[UserRole, typer.Argument()], actor: Actor = "cli") -> None:
    """Give a user another role; it is in force within seconds."""

    async def work(users: ConsoleUsers, by: By) -> None:
        await users.set_role(login, role, by)

    _change(work, actor)
    out.print(f"{login} is {role.value} now", highlight=False)


@user_app.command()
def deactivate(login: Login, actor: Actor = "cli") -> None:
    """Keep a user out and end every session; the history stays."""
    _set_active(login, False, actor)
    out.print(f"{login} is kept out; every session has ended", highlight=False)


@user_app.command()
def activate(login: Login, actor: Actor = "cli") -> None:
    """Let a deactivated user in again."""
    _set_active(login, True, actor)
    out.print(f"{login} may log in again", highlight=False)


@user_app.command()
def password(login: Login, actor: Actor = "cli") -> None:
    """Draw a new one-time password for a user; every session ends."""
    fresh = one_time_password()

    async def work(users: ConsoleUsers, by: By) -> None:
        await users.set_password(login, await Passwords().hash(fresh), by, must_change=True)

    _change(work, actor)
    out.print(f"{login} · {ONE_TIME}: {fresh}", highlight=False, soft_wrap=True, markup=False)


def _set_active(login: str, active: bool, actor: str) -> None:
    async def work(users: ConsoleUsers, by: By) -> None:
        await users.set_active(login, active, by)

    _change(work, actor)


def _change(work: Callable[[ConsoleUsers, By], Awaitable[None]], actor: str) -> None:
    async def run() -> None:
        async with session() as opened:
            await work(ConsoleUsers(opened.database), By(actor, utc_now()))

    told(run)
