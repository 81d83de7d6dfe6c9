"""The gateway process: `python -m clients.gateway`."""

import asyncio
import sys

import structlog
import uvicorn
import uvloop

from clients.clock import utc_now
from clients.gateway.app import Gateway, application
from clients.logs import set_up_logs
from clients.memory import settle
from clients.settings import ClientSettings
from clients.tracing import Tracing
from domain.errors import OmsError
from store import migrations
from store.database import Database
from store.keyring import load_keyring
from store.settings import store_settings


async def main() -> None:
    """Bring the schema up to date, then serve until told to stop."""
    where, settings, tracing = store_settings(), ClientSettings(), Tracing("gateway")
    database = Database(where.database_url, where.database_pool)
    await migrations.upgrade(database)
    gateway = Gateway(database, load_keyring(where.keyring), utc_now, settings.max_body_bytes)
    config = uvicorn.Config(
        application(gateway, database),
        host=settings.gateway_host,
        port=settings.gateway_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    settle()
    await uvicorn.Server(config).serve()
    await asyncio.to_thread(tracing.end)


if __name__ == "__main__":
    set_up_logs()
    try:
        uvloop.run(main())
    except OmsError as error:
        structlog.get_logger("gateway").error("gateway cannot run", reason=str(error))
        sys.exit(1)
