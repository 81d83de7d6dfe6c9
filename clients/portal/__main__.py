"""The buyers' process: `python -m clients.portal`."""

import asyncio
import os
import sys

import structlog
import uvicorn

from clients.clock import utc_now
from clients.logs import set_up_logs
from clients.portal.app import Parts, application
from clients.settings import ClientSettings, PortalSettings
from domain.errors import OmsError
from store import migrations
from store.database import Database
from store.keyring import load_keyring
from store.settings import store_settings

log = structlog.get_logger("portal")
MOST_REQUESTS = 200
"""More at once are answered 503: photos are held in memory while they are made new."""


async def main() -> None:
    """Bring the schema up to date, then serve until told to stop."""
    where, settings = store_settings(), PortalSettings()
    database = Database(where.database_url, where.database_pool)
    await migrations.upgrade(database)
    parts = Parts(database, load_keyring(where.keyring), utc_now, settings, ClientSettings().profile)
    config = uvicorn.Config(
        application(parts),
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=settings.tls,
        limit_concurrency=MOST_REQUESTS,
        timeout_graceful_shutdown=5,
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    set_up_logs()
    code = 0
    try:
        asyncio.run(main())
    except OmsError as error:
        log.error("portal cannot run", reason=str(error))
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a process that used the Temporal SDK may abort in a normal interpreter exit
