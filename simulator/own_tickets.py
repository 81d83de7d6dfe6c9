"""What buyers say to the own shop, as it writes it (docs/own-shop-api.md). Owns the shape and a buyer's words."""

import json
from typing import Literal

from pydantic import BaseModel, Field

from simulator.clock import iso, now


class Complaint(BaseModel):
    """One message of a buyer; the same `ticket_no` is the same conversation."""

    ticket_no: str = Field(min_length=1)
    message_no: str = "1"
    kind: Literal["complaint", "reminder", "question"] = "complaint"
    words: str = "收到的商品有破损，请尽快处理。"
    order_no: str = ""
    case_no: str = ""
    contact: str = ""
    photos: list[str] = Field(default_factory=list)

    @property
    def event(self) -> str:
        """Name the message: the same each time it is sent."""
        return f"ticket-{self.ticket_no}-{self.message_no}"


def ticket_body(told: Complaint) -> bytes:
    """Write one message."""
    return json.dumps({"ticket": told.model_dump() | {"said_at": iso(now())}}, ensure_ascii=False).encode()
