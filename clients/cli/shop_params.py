"""`oms shop set`: change what an account's row says beside its keys, such as the group whose messages are taken."""

from dataclasses import replace
from typing import Annotated

import typer

from clients.cli.session import out, session, told
from clients.cli.shops import Actor, Code, Vendor, connected, refuse_incomplete, split_params
from clients.clock import utc_now
from connectors import registry
from connectors.vendor import LAG, PACE
from domain.errors import BadInput
from store.shops import Shops

OF_EVERY_SHOP = {
    LAG: "how far behind its clock a list ends, in seconds, instead of what its vendor documents",
    PACE: "how many calls a second it takes from each process, instead of what its vendor documents",
}
params_app = typer.Typer(no_args_is_help=True)


@params_app.command(name="set")
def set_(
    vendor: Vendor,
    code: Code,
    param: Annotated[list[str], typer.Option(help="NAME=VALUE, or NAME= to take it away; repeatable")],
    actor: Actor = "cli",
) -> None:
    """Change plain params of an account; secret ones change with oms shop key. In force within seconds."""

    async def work() -> None:
        given, sealed = split_params(vendor, param)
        if sealed:
            raise BadInput(f"{', '.join(sorted(sealed))} is secret: oms shop key {vendor} {code} --param NAME=@FILE")
        _refuse_unknown(vendor, given)
        async with session() as here:
            shops = Shops(here.database, here.ring)
            shop = await connected(shops, vendor, code)
            changed = replace(shop, params={name: one for name, one in (shop.params | given).items() if one})
            refuse_incomplete(changed)
            changed = replace(changed, answers=registry.answers(changed))
            await shops.set_params(changed, actor, utc_now())

    told(work)
    words = ", ".join(sorted(one.partition("=")[0] for one in param))
    out.print(f"{vendor}/{code}: {words} changed, in force within seconds", soft_wrap=True)


def _refuse_unknown(vendor: str, given: dict[str, str]) -> None:
    """Raise BadInput for a name that this vendor does not know: a typing error would change nothing in silence."""
    needs = registry.vendor(vendor)
    known = {**needs.params, **needs.optional_params, **OF_EVERY_SHOP}
    strange = sorted(set(given) - set(known))
    if strange:
        told_of = "; ".join(f"{name}: {why}" for name, why in known.items())
        raise BadInput(f"{vendor} knows no param {', '.join(strange)}; it knows {told_of}")
