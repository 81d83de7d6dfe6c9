"""The entry point `oms`: gathers the commands. Heavy imports stay inside them, so that `oms --help` is quick."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from clients.cli.alerts import alert_app
from clients.cli.bundles import bundle_app
from clients.cli.demo import demo
from clients.cli.doctor import doctor
from clients.cli.import_orders import import_orders
from clients.cli.inbox import inbox_app
from clients.cli.keys import keyring_app
from clients.cli.order_decisions import decision_app
from clients.cli.orders import order_app
from clients.cli.session import where
from clients.cli.settings import settings_app
from clients.cli.shops import shop_app
from clients.cli.stock import stock_app
from clients.cli.stock_audit import audit_app
from clients.cli.stock_ledger import ledger_app
from clients.cli.up import up
from clients.cli.users import user_app

app = typer.Typer(
    name="oms",
    help="Steadfast: every order is a durable workflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
order_app.registered_commands += decision_app.registered_commands
app.add_typer(order_app, name="order", help="Find orders and see what they wait for.")
stock_app.registered_commands += ledger_app.registered_commands + audit_app.registered_commands
app.add_typer(stock_app, name="stock", help="See and set what warehouses hold.")
app.add_typer(bundle_app, name="bundle", help="Products that consist of others: what a bundle consumes.")
app.add_typer(shop_app, name="shop", help="Connect sales channels, warehouse systems and couriers.")
app.add_typer(inbox_app, name="inbox", help="See the messages that came in, and replay what was kept.")
app.add_typer(alert_app, name="alert", help="See and clear what somebody should know.")
app.add_typer(
    settings_app, name="settings", help="Business settings: versioned documents, tried, activated, rolled back."
)
app.add_typer(user_app, name="user", help="Who may work at the console.")
app.add_typer(keyring_app, name="keyring", help="The master keys that seal personal data.")
app.command()(up)
app.command()(demo)
app.command()(doctor)
app.command(name="import")(import_orders)


@app.callback()
def common(data: Annotated[Path, typer.Option(help="the data folder of the installation")] = Path("var")) -> None:
    """Remember which installation the command speaks to."""
    where.data = data


def run() -> None:
    """Run and leave at once: a process that used the Temporal SDK may abort in a normal interpreter exit."""
    try:
        app()
        code: object = 0
    except SystemExit as leave:
        code = leave.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1 if code else 0)


if __name__ == "__main__":
    run()
