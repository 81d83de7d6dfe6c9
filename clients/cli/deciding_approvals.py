"""What the commands that approve or refuse share."""

import secrets

from clients.approving import Approving
from clients.cli.session import Session
from clients.clock import utc_now
from clients.settings import ClientSettings
from clients.temporal import connect
from domain.approvals import Verdict


async def decide(opened: Session, no: str, verdict: Verdict) -> str:
    """Bring one verdict; a command has no form that could be sent twice."""
    approving = Approving(opened.database, connect, utc_now, ClientSettings().profile)
    return await approving.decide(no, verdict, secrets.token_hex(8))
