"""The evidence pack of a claim: facts from the store, packed as a file, and on record that it was taken out."""

from datetime import datetime

from connectors.files import evidence
from domain.errors import BadInput
from store import audit
from store.database import Database
from store.keyring import KeyRing
from store.opening import Opening
from store.reads.evidence import evidence_of


async def evidence_pack(database: Database, ring: KeyRing, claim_no: str, actor: str, now: datetime) -> bytes:
    """Pack the evidence of a claim, the receiver masked; BadInput when there is no such claim."""
    async with database.transaction() as tx:
        claim = await evidence_of(tx, ring, claim_no)
        if claim is None:
            raise BadInput(f"there is no claim {claim_no}; see oms claim list")
    receiver = await Opening(database, ring).contact(claim.order_key)
    packed = evidence.write(claim.evidence(receiver))
    async with database.transaction() as tx:
        await audit.write(tx, "claim.packed", claim.exception_no, now, actor=actor, claim=claim_no, bytes=len(packed))
    return packed
