"""`oms shop add` and `oms shop list`: connect a vendor; the registry says what each one needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from connectors import registry
from domain.errors import BadInput
from domain.shops import Role, Shop
from store.shops import NewWarehouse, Shops

shop_app = typer.Typer(no_args_is_help=True)
WAREHOUSE_PARTS = 4


@shop_app.command()
def add(
    vendor: Annotated[str, typer.Argument(help="own, qimen, kdniao")],
    code: Annotated[str, typer.Argument(help="your short name for this account; part of the webhook path")],
    url: Annotated[str, typer.Option(help="the vendor's endpoint")],
    key_id: Annotated[str, typer.Option(help="our account there: key id, app key, business id")],
    secret_file: Annotated[Path, typer.Option(help="file with the key; a second line holds the previous key")],
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, repeatable")] = None,
    warehouse: Annotated[str, typer.Option(help="CODE,NAME,PROVINCE,CARRIER behind a warehouse system")] = "",
) -> None:
    """Connect a shop, a warehouse system or a courier. Keys come from a file, never from the command line."""

    async def work() -> None:
        params = dict(_pair(text) for text in param or [])
        endpoint = Endpoint(url, key_id, _secrets(secret_file))
        async with session() as open_session:
            shops = Shops(open_session.database, open_session.ring)
            await connect_shop(shops, (vendor, code), endpoint, params, _warehouse(warehouse))

    told(work)
    out.print(f"connected {vendor}/{code}; its webhooks go to /in/{vendor}/{code}")


@shop_app.command(name="list")
def list_() -> None:
    """List what is connected."""

    async def work() -> None:
        async with session() as open_session:
            shops = await Shops(open_session.database, open_session.ring).all()
        table = Table("vendor", "code", "role", "endpoint", "webhook path", "zone", "keys", box=None)
        for shop in shops:
            path = f"/in/{shop.vendor}/{shop.code}"
            keys = str(len(shop.secrets))
            table.add_row(shop.vendor, shop.code, shop.role.value, shop.endpoint_url, path, shop.zone, keys)
        out.print(table if shops else "nothing is connected yet: oms shop add --help")

    told(work)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an account is and how we prove ourselves there."""

    url: str
    key_id: str
    secrets: tuple[str, ...]


async def connect_shop(
    shops: Shops,
    account: tuple[str, str],
    endpoint: Endpoint,
    params: dict[str, str] | None = None,
    warehouse: NewWarehouse | None = None,
) -> None:
    """Check what the vendor needs, then add the shop (vendor, code)."""
    shop = _shop(*account, endpoint, params or {})
    if (warehouse is not None) is not (shop.role is Role.WAREHOUSE):
        raise BadInput("a warehouse system, and nothing else, needs --warehouse CODE,NAME,PROVINCE,CARRIER")
    await shops.add(shop, warehouse, utc_now())


def _shop(vendor: str, code: str, endpoint: Endpoint, params: dict[str, str]) -> Shop:
    """Build the row from what the vendor needs; raise BadInput with everything that is missing."""
    needs = registry.vendor(vendor)
    if not code.isascii() or not code.replace("-", "").replace("_", "").isalnum():
        raise BadInput(f"the code {code!r} becomes part of a path: letters, digits, - and _ only")
    shop = Shop(
        vendor=vendor,
        code=code,
        role=needs.role,
        zone=needs.zone,
        currency=needs.currency,
        endpoint_url=endpoint.url,
        key_id=endpoint.key_id,
        secrets=endpoint.secrets,
        params=params,
    )
    missing = registry.missing(shop)
    if missing:
        raise BadInput(f"{vendor}/{code} still needs: " + "; ".join(missing))
    return shop


def _secrets(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise BadInput(f"no file {path}; write the vendor's key into it (mode 0600) and delete it afterwards")
    lines = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
    if not 1 <= len(lines) <= 2:
        raise BadInput(f"{path} holds {len(lines)} keys; one line, or two while keys rotate")
    return lines


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise BadInput(f"--param {text!r} is not NAME=VALUE")
    return name, value


def _warehouse(text: str) -> NewWarehouse | None:
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != WAREHOUSE_PARTS or not all(parts):
        raise BadInput(f"--warehouse {text!r} is not CODE,NAME,PROVINCE,CARRIER, such as GZ01,广州仓,广东省,SF")
    return NewWarehouse(*parts)
