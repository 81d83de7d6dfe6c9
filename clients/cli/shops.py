"""`oms shop add` and `oms shop list`: connect a vendor; the registry says what each one needs."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import find_installation, out, session, told
from clients.clock import utc_now
from clients.settings import ClientSettings
from clients.temporal import connect, pull_now
from connectors import fields, registry
from domain.errors import BadInput
from domain.shops import Role, Shop, Token
from store import call_counts, connections, settings_docs
from store.database import Database
from store.reads.pulls import PullReads, PullRow
from store.reads.stock_push import ShopStock, StockPushReads
from store.shops import NewWarehouse, Shops
from store.tokens import SqlTokens

shop_app = typer.Typer(no_args_is_help=True)
Vendor = Annotated[str, typer.Argument(help="such as taobao")]
Code = Annotated[str, typer.Argument(help="the account's short name")]
Actor = Annotated[str, typer.Option(help="your login")]
WAREHOUSE_PARTS = 4
TOKEN_LINES = 3


@shop_app.command()
def add(
    vendor: Annotated[str, typer.Argument(help=f"one of {', '.join(registry.VENDORS)}")],
    code: Annotated[str, typer.Argument(help="your short name for this account; part of the webhook path")],
    url: Annotated[str, typer.Option(help="the vendor's endpoint")],
    key_id: Annotated[str, typer.Option(help="our account there: key id, app key, business id")],
    secret_file: Annotated[Path | None, typer.Option(help="file with the key; a second line is the one before")] = None,
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE or NAME=@FILE, repeatable")] = None,
    warehouse: Annotated[str, typer.Option(help="CODE,NAME,PROVINCE,CARRIER behind a warehouse system")] = "",
    token_file: Annotated[Path | None, typer.Option(help="file with the access token; see oms shop token")] = None,
) -> None:
    """Connect a shop, a warehouse system or a courier. Keys come from a file, never from the command line."""

    async def work() -> None:
        params, sealed = split_params(vendor, param or [])
        endpoint = Endpoint(url, key_id, _secrets(secret_file), sealed)
        access = _token(token_file) if token_file else None
        async with session() as here:
            shops = Shops(here.database, here.ring)
            await connect_shop(shops, (vendor, code), endpoint, params, _warehouse(warehouse))
            if access:
                await SqlTokens(here.database, here.ring).put(vendor, code, access, utc_now(), "cli")

    told(work)
    out.print(f"connected {vendor}/{code}{_next_step(vendor, code, token_file)}")


@shop_app.command()
def key(
    vendor: Vendor,
    code: Code,
    secret_file: Annotated[
        Path | None, typer.Option(help="line 1 the key in use, line 2 the one before, valid beside it")
    ] = None,
    param: Annotated[list[str] | None, typer.Option(help="a secret param that changes: NAME=@FILE")] = None,
    actor: Actor = "cli",
) -> None:
    """Change the key of an account; with two lines both are valid while the other side rotates (INT-14)."""

    async def work() -> None:
        given = _secrets(secret_file)
        params, sealed = split_params(vendor, param or [])
        if not given and not sealed:
            raise BadInput("no key is given: --secret-file FILE, or --param NAME=@FILE for a secret param")
        if params:
            raise BadInput(f"only secret params are changed with a key, not {', '.join(sorted(params))}")
        async with session() as here:
            shops = Shops(here.database, here.ring)
            shop = await connected(shops, vendor, code)
            secrets = given or shop.secrets
            refuse_incomplete(replace(shop, secrets=secrets, sealed=shop.sealed | sealed))
            await shops.set_secrets((vendor, code), secrets, actor, utc_now(), sealed)

    told(work)
    words = f"{vendor}/{code} has a new key, in force within seconds. Let in what it proves: "
    out.print(f"{words}oms inbox replay --all-unverified --source {vendor} --shop {code}", soft_wrap=True)


@shop_app.command()
def token(
    vendor: Vendor,
    code: Code,
    token_file: Annotated[Path, typer.Option(help="line 1 access token, line 2 refresh token, line 3 its end")],
    actor: Actor = "cli",
) -> None:
    """Bring the access token that the platform gave when the shop was authorised; later ones are fetched by itself."""

    async def work() -> None:
        access = _token(token_file)
        async with session() as here:
            await connected(Shops(here.database, here.ring), vendor, code)
            await SqlTokens(here.database, here.ring).put(vendor, code, access, utc_now(), actor)

    told(work)
    out.print(f"{vendor}/{code} is authorised")


@shop_app.command()
def backup(
    vendor: Vendor,
    code: Code,
    switch: Annotated[str, typer.Argument(help="on or off")],
    actor: Actor = "cli",
) -> None:
    """Turn backup verification (启用备用校验) on or off: pulling the orders of a shop that also pushes them."""

    async def work() -> None:
        if switch not in {"on", "off"}:
            raise BadInput(f"{switch!r} is neither on nor off")
        if switch == "off" and registry.vendor(vendor).inbound is None:
            raise BadInput(f"{vendor} sends no pushes: pulling is the only way in and stays on")
        async with session() as here:
            await Shops(here.database, here.ring).set_backup(vendor, code, switch == "on", actor, utc_now())

    told(work)
    out.print(f"backup verification of {vendor}/{code} is {switch}")


@shop_app.command()
def pull(
    vendor: Vendor,
    code: Code,
) -> None:
    """Pull a shop's orders now instead of at its next period; a pull that waits for its next try starts over."""

    async def work() -> None:
        find_installation()
        await pull_now(await connect(), vendor, code)

    told(work)
    out.print(f"pulling {vendor}/{code}; oms shop list shows how far")


@shop_app.command(name="list")
def list_() -> None:
    """List what is connected."""

    async def work() -> None:
        async with session() as here:
            shops = await Shops(here.database, here.ring).all()
            pulls = {(row.vendor, row.shop): row for row in await PullReads(here.database).all()}
            stock = {(row.channel, row.shop): row for row in await StockPushReads(here.database).shops()}
            limited = await _limited(here.database)
        names = (
            "vendor",
            "code",
            "role",
            "endpoint",
            "webhook path",
            "zone",
            "keys",
            "token until",
            "pulled up to",
            "stock",
            "too many",
        )
        table = Table(*names, box=None)
        for shop in shops:
            account = (shop.vendor, shop.code)
            table.add_row(*_cells(shop, pulls.get(account)), _stock(shop, stock.get(account)), limited.get(account, ""))
        out.print(table if shops else "nothing is connected yet: oms shop add --help")

    told(work)


@shop_app.command()
def silence(
    vendor: Vendor,
    code: Code,
    minutes: Annotated[str, typer.Option(help="so many minutes, off, or default (the settings document alerts)")],
    actor: Actor = "cli",
) -> None:
    """Set after how long without a new order somebody is told of a shop, by SMS and mail (INT-8)."""

    async def work() -> None:
        seconds = silence_of(minutes)
        async with session() as here, here.database.transaction() as tx:
            await connections.set_silence(tx, (vendor, code), seconds, actor, utc_now())

    told(work)
    out.print(f"{vendor}/{code}: silence is told {'never' if minutes == 'off' else f'after {minutes} minutes'}")


def silence_of(words: str) -> float | None:
    """Read minutes, off or default; BadInput says what is wrong."""
    if words in {"off", "default"}:
        return 0.0 if words == "off" else None
    if not (words.isdecimal() and 1 <= int(words) <= 7 * 24 * 60):
        raise BadInput(f"--minutes {words!r} is not a number from 1 to 10080, off or default")
    return int(words) * 60.0


async def connected(shops: Shops, vendor: str, code: str) -> Shop:
    """Find a shop; BadInput when there is none."""
    shop = await shops.find(vendor, code)
    if shop is None:
        raise BadInput(f"no shop {vendor}/{code} is connected; see oms shop list")
    return shop


def _cells(shop: Shop, pulled: PullRow | None) -> tuple[str, ...]:
    needs = registry.vendor(shop.vendor)
    return (
        shop.vendor,
        shop.code,
        shop.role.value,
        shop.endpoint_url,
        f"/in/{shop.vendor}/{shop.code}" if needs.inbound else _no_path(shop),
        shop.zone,
        str(len(shop.secrets)),
        _token_words(needs, shop.token),
        (_pulled(pulled) + ("" if shop.backup else "; off")) if needs.pull else "has no list",
    )


def _no_path(shop: Shop) -> str:
    if shop.role is Role.MAIL:
        return "none: read"
    if registry.has_queue(shop):
        return "none: its queue"
    return "none: written to" if shop.role in {Role.MESSAGES, Role.INVOICES} else "none: pulled"


def _stock(shop: Shop, row: ShopStock | None) -> str:
    """Say how a shop is told of its stock (INV-6)."""
    needs = registry.vendor(shop.vendor)
    if needs.stock is None or row is None:
        return ""
    if not registry.takes_stock(shop.vendor, shop.params):
        return f"not told: no {needs.stock_with}"
    words = f"told {row.told_at:%Y-%m-%d %H:%M:%S} UTC" if row.told_at else "not told yet"
    waits = f"; {row.waiting} wait since {row.waiting_since:%H:%M:%S} UTC" if row.waiting_since else ""
    return words + waits + (f"; {row.refused} refused: {row.error}" if row.refused else "")


async def _limited(database: Database) -> dict[tuple[str, str], str]:
    """Say of every account that was called lately how many of its calls it took for too many (INT-16)."""
    async with database.transaction() as tx:
        limits = await settings_docs.alert_limits(tx, ClientSettings().profile)
        shares, told = await call_counts.shares(tx, limits.limit_window_seconds, utc_now()), await call_counts.told(tx)
    return {
        (one.vendor, one.account): f"{one.limited} of {one.calls}"
        + ("; oms alert list" if f"{one.vendor}/{one.account}" in told else "")
        for one in shares
        if one.calls
    }


def _next_step(vendor: str, code: str, token_file: Path | None) -> str:
    needs = registry.vendor(vendor)
    if needs.role is Role.INVOICES:
        return ""
    if needs.role is Role.MAIL:
        return "; its letters become tickets: oms ticket list"
    if needs.role is Role.MESSAGES:
        return f"; try it: oms message test {vendor}/{code}"
    words = f"; its webhooks go to /in/{vendor}/{code}" if needs.inbound else "; its orders are pulled"
    missing = needs.token and token_file is None
    return words + (f"; now bring its access token: oms shop token {vendor} {code}" if missing else "")


def _token_words(needs: registry.Vendor, token: Token | None) -> str:
    if not needs.token:
        return "none needed"
    if token is None:
        return "missing: oms shop token"
    return f"{token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else "no end named"


def _pulled(row: PullRow | None) -> str:
    if row is None:
        return "not yet"
    failing = f"; {row.failures} failed in a row: {row.reason}" if row.failures else ""
    return (f"{row.watermark:%Y-%m-%d %H:%M:%S} UTC" if row.watermark else "nothing") + failing


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an account is and how we prove ourselves there."""

    url: str
    key_id: str
    secrets: tuple[str, ...] = field(repr=False)
    sealed: dict[str, str] = field(default_factory=dict, repr=False)


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
        sealed=endpoint.sealed,
    )
    refuse_incomplete(shop)
    return replace(shop, answers=registry.answers(shop))


def refuse_incomplete(shop: Shop) -> None:
    """Raise BadInput with everything that a row lacks."""
    missing = registry.missing(shop)
    if missing:
        raise BadInput(f"{shop.vendor}/{shop.code} still needs: " + "; ".join(missing))


def split_params(vendor: str, texts: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Read --param: plain ones, and those that the vendor keeps secret, which come from files."""
    needs = registry.vendor(vendor)
    secret = {**needs.sealed_params, **needs.optional_sealed_params}
    given = dict(_pair(text) for text in texts)
    return (
        {name: value for name, value in given.items() if name not in secret},
        {name: _contents(name, value) for name, value in given.items() if name in secret},
    )


def _contents(name: str, value: str) -> str:
    if not value.startswith("@"):
        raise BadInput(f"--param {name} is secret: write it into a file (mode 0600) and give {name}=@FILE")
    path = Path(value[1:])
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--param {name}: {path} cannot be read ({type(error).__name__})") from None


def _secrets(path: Path | None) -> tuple[str, ...]:
    if path is None:  # what the vendor needs is said with everything else that is missing
        return ()
    if not path.is_file():
        raise BadInput(f"no file {path}; write the vendor's key into it (mode 0600) and delete it afterwards")
    lines = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
    if not 1 <= len(lines) <= 2:
        raise BadInput(f"{path} holds {len(lines)} keys; one line, or two while keys rotate")
    return lines


def _token(path: Path) -> Token:
    if not path.is_file():
        raise BadInput(f"no file {path}; write the access token into it, then the refresh token (mode 0600)")
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if not 1 <= len(lines) <= TOKEN_LINES:
        raise BadInput(f"{path} holds {len(lines)} lines; access token, refresh token, end (ISO 8601 with an offset)")
    access, refresh, until = (*lines, "", "")[:3]
    try:
        return Token(access, refresh, fields.offset_time(until) if until else None)
    except ValueError as error:
        raise BadInput(f"{path}: line 3, the end of the token, is {error}") from None


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
