"""How long orders take, phase by phase."""

from datetime import timedelta

from store.database import Database
from store.keyring import KeyRing
from store.reads.phases import PhaseReads
from tests.conftest import NOON
from tests.store.builders import change, planned, stocked


async def test_each_phase_has_its_percentiles_and_an_open_one_has_none(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await planned(database, ring)
    assert set(await PhaseReads(database).all()) == set()
    await change(database, "UPDATE fulfillment SET pushed_at = created_at + interval '4 seconds'")
    await change(
        database, "UPDATE orders SET started_at = :at, created_at = :now", at=NOON + timedelta(seconds=2), now=NOON
    )
    found = await PhaseReads(database).all()
    assert {name: (phase.n, phase.p50, phase.p95, phase.longest) for name, phase in found.items()} == {
        "started": (1, 2.0, 2.0, 2.0),
        "pushed": (1, 4.0, 4.0, 4.0),
    }
