"""The entry point `oms`: gathers the commands. Heavy imports stay inside them, so that `oms --help` is quick."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from clients.cli.alerts import alert_app
from clients.cli.approvals import approval_app
from clients.cli.breaker import breaker_app
from clients.cli.bundles import bundle_app
from clients.cli.case_decisions import case_decision_app
from clients.cli.cases import case_app
from clients.cli.completeness import completeness, reconcile
from clients.cli.counts import count_app
from clients.cli.demo import demo
from clients.cli.doctor import doctor
from clients.cli.exceptions import claim_app, exception_app
from clients.cli.import_orders import import_orders
from clients.cli.inbound import inbound_app
from clients.cli.inbox import inbox_app
from clients.cli.keys import keyring_app
from clients.cli.labels import label_app
from clients.cli.listings import listing_app
from clients.cli.messages import message_app
from clients.cli.order_decisions import decision_app
from clients.cli.orders import order_app
from clients.cli.places import place_app
from clients.cli.pools import pool_app
from clients.cli.portal import portal_app
from clients.cli.presale import presale_app
from clients.cli.proposals import proposal_app
from clients.cli.receivables import receivable_app
from clients.cli.rehearse import rehearse
from clients.cli.release_stock import release_app
from clients.cli.reports import report_app
from clients.cli.returns import return_app
from clients.cli.session import where
from clients.cli.settings import settings_app
from clients.cli.shop_params import params_app
from clients.cli.shops import shop_app
from clients.cli.stock import stock_app
from clients.cli.stock_audit import audit_app
from clients.cli.stock_grade import grade_app
from clients.cli.stock_ledger import ledger_app
from clients.cli.stock_safety import safety_app
from clients.cli.tickets import ticket_app
from clients.cli.transfer_requests import request_app
from clients.cli.transfers import transfer_app
from clients.cli.up import up
from clients.cli.users import user_app

app = typer.Typer(
    name="oms",
    help="Steadfast: every order is a durable workflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
case_app.registered_commands += case_decision_app.registered_commands
shop_app.registered_commands += params_app.registered_commands
order_app.registered_commands += decision_app.registered_commands + release_app.registered_commands
stock_app.registered_commands += proposal_app.registered_commands
transfer_app.registered_commands += request_app.registered_commands
stock_app.add_typer(place_app, name="place", help="Stores and other places without a warehouse system.")
app.add_typer(order_app, name="order", help="Find orders and see what they wait for.")
stock_app.registered_commands += safety_app.registered_commands + grade_app.registered_commands
stock_app.registered_commands += ledger_app.registered_commands + audit_app.registered_commands
app.add_typer(case_app, name="case", help="After-sales cases: open, see, decide, pay.")
app.add_typer(stock_app, name="stock", help="See and set what warehouses hold.")
app.add_typer(bundle_app, name="bundle", help="Products that consist of others: what a bundle consumes.")
app.add_typer(pool_app, name="pool", help="Channel pools: units that only some shops may sell, and shares.")
app.add_typer(breaker_app, name="breaker", help="Stop the sale of a SKU on all channels, and let it go on.")
app.add_typer(listing_app, name="listing", help="Where SKUs are sold, and what each shop was told of its stock.")
app.add_typer(portal_app, name="portal", help="Let buyers see their orders.")
app.add_typer(label_app, name="label", help="Read waybill numbers off photos of labels.")
app.add_typer(count_app, name="count", help="Our numbers against the warehouse's, and what becomes of differences.")
app.add_typer(transfer_app, name="transfer", help="Units from one place to another, from the request to the receipt.")
app.add_typer(inbound_app, name="inbound", help="What suppliers send: stages, owners, customs numbers, receipts.")
app.add_typer(approval_app, name="approval", help="What waits for a second person.")
app.add_typer(exception_app, name="exception", help="What went wrong with an order, and what follows.")
app.add_typer(claim_app, name="claim", help="Claims against couriers and suppliers, with their evidence.")
app.add_typer(receivable_app, name="receivable", help="What compensations change for finance, posted by exports.")
app.add_typer(ticket_app, name="ticket", help="Complaints and reminders of buyers: the service board.")
app.add_typer(report_app, name="report", help="Reports on stock and on after-sales cases.")
app.add_typer(return_app, name="return", help="Goods that come back: parcels of nobody, where they are, labels.")
app.add_typer(presale_app, name="presale", help="Goods that are sold before they are there.")
app.add_typer(shop_app, name="shop", help="Connect sales channels, warehouse systems and couriers.")
app.add_typer(inbox_app, name="inbox", help="See the messages that came in, and replay what was kept.")
app.add_typer(message_app, name="message", help="What was said to people by robots, SMS, phone and mail.")
app.add_typer(alert_app, name="alert", help="See and clear what somebody should know.")
app.add_typer(
    settings_app, name="settings", help="Business settings: versioned documents, tried, activated, rolled back."
)
app.add_typer(user_app, name="user", help="Who may work at the console.")
app.add_typer(keyring_app, name="keyring", help="The master keys that seal personal data.")
app.command()(up)
app.command()(demo)
app.command()(rehearse)
app.command()(doctor)
app.command()(completeness)
app.command()(reconcile)
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
