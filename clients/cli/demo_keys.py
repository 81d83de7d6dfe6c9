"""The key rotation of the demo: the own shop signs with a new key before anybody here has it (INT-14, incident I-6).

The operator hears the alert, puts the new key in beside the old one, and lets in what was kept meanwhile.
"""

from dataclasses import dataclass
from pathlib import Path

from clients.clock import utc_now
from clients.replay import Replayer
from clients.run_file import RunFile
from store.database import Database
from store.keyring import load_keyring
from store.reads.alerts import AlertFilter, AlertReads
from store.shops import Shops

ACCOUNT = ("own", "demo")
ACTOR = "demo"


@dataclass
class KeyMend:
    """What the operator does about a changed key; `keys` are the new one and the old one, empty without a rotation."""

    run: RunFile
    keys: tuple[str, ...] = ()
    replayed: int = 0

    async def look(self, database: Database, *, buyers_done: bool) -> None:
        """Mend the key when its alert is there, and replay what it proves; at the end replay what is left."""
        if not self.keys:
            return
        told = await AlertReads(database).open(AlertFilter(kind="signatures"))
        if not (told.rows or buyers_done):
            return
        ring = load_keyring(Path(self.run.environment["OMS_KEYRING"]))
        replayer = Replayer(database, ring, ACTOR, utc_now)
        names = await replayer.all_unverified(*ACCOUNT)
        if names:
            await Shops(database, ring).set_secrets(ACCOUNT, self.keys, ACTOR, utc_now())
        for name in names:
            self.replayed += (await replayer.replay(name)).done
