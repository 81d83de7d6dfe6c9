"""The console process: `python -m clients.console`."""

import asyncio
import os
import sys

import structlog
import uvicorn

from clients.clock import utc_now
from clients.console.app import Parts, application
from clients.installation import FIRST_PASSWORD
from clients.logs import set_up_logs
from clients.passwords import Passwords, one_time_password
from clients.settings import ConsoleSettings
from domain.errors import OmsError
from store import migrations
from store.database import Database
from store.keyring import load_keyring
from store.replay import By
from store.settings import store_settings
from store.users import ConsoleUsers

log = structlog.get_logger("console")
FIRST_LOGIN = "admin"


async def main() -> None:
    """Bring the schema up to date, see that somebody can log in, then serve until told to stop."""
    where, settings = store_settings(), ConsoleSettings()
    database = Database(where.database_url, where.database_pool)
    await migrations.upgrade(database)
    passwords = Passwords()
    await _first_user(database, passwords)
    parts = Parts(database, load_keyring(where.keyring), utc_now, settings, passwords)
    config = uvicorn.Config(
        application(parts),
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=settings.tls,
        ws_max_size=1024 * 1024,
        timeout_graceful_shutdown=2,
    )
    await uvicorn.Server(config).serve()


async def _first_user(database: Database, passwords: Passwords) -> None:
    """Create the first administrator; its one-time password is said once, here, and only its hash is kept."""
    password = one_time_password()
    hashed = await passwords.hash(password)
    if await ConsoleUsers(database).add_first(FIRST_LOGIN, hashed, By("console", utc_now())):
        log.warning(FIRST_PASSWORD, login=FIRST_LOGIN, one_time_password=password)


if __name__ == "__main__":
    set_up_logs()
    code = 0
    try:
        asyncio.run(main())
    except OmsError as error:
        log.error("console cannot run", reason=str(error))
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a process that used the Temporal SDK may abort in a normal interpreter exit
