"""`oms portal link`: a one-time link with which a buyer sees one order (AFT-1)."""

from typing import Annotated

import typer

from clients.cli.session import out, session, told, where
from clients.clock import utc_now
from clients.run_file import read_run_file
from clients.settings import PortalSettings
from domain.errors import BadInput
from store.portal_access import LINK_LASTS, PortalAccess
from store.replay import By

PORTAL = "portal"
portal_app = typer.Typer(no_args_is_help=True)


@portal_app.callback()
def portal() -> None:
    """What buyers see."""


@portal_app.command()
def link(
    order: Annotated[str, typer.Argument(help="CHANNEL:SHOP:NUMBER, as oms order find says it")],
    actor: Annotated[str, typer.Option(help="your login")] = "cli",
) -> None:
    """Make a link that opens one order in a buyer's browser, once; send it to the buyer and to nobody else."""

    async def work() -> str:
        async with session() as here:
            return await PortalAccess(here.database, here.ring).make_link(order, By(actor, utc_now()))

    token = told(work)
    out.print(_settings().link(token), highlight=False, soft_wrap=True, markup=False)
    out.print(f"works once, within {LINK_LASTS.days} days", highlight=False)


def _settings() -> PortalSettings:
    """Give the public address that the environment names, else that of the running installation."""
    settings = PortalSettings()
    if settings.url:
        return settings
    try:
        url = read_run_file(where.data).urls.get(PORTAL, "")
    except BadInput:
        return settings
    return settings.model_copy(update={"url": url})
