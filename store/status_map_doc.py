"""The schema of the status map document: what each raw code of each channel means (跨平台订单状态映射表, INT-13)."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.observations import ChannelStatus
from domain.status_map import StatusMap, StatusMeaning

State = Literal["unpaid", "deposit", "paid", "shipped", "signed", "completed", "cancelled", "refunded"]
STATES: tuple[str, ...] = get_args(State)
Code = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S+$")]


class MeaningDocument(BaseModel):
    """The meaning of one code: a state of ours; both flags are about orders that are paid and not wholly shipped."""

    model_config = ConfigDict(extra="forbid", strict=True)

    status: State
    may_ship: bool = True
    partial: bool = False

    @model_validator(mode="after")
    def _flags_belong_to_paid(self) -> Self:
        if self.status != "paid" and (self.partial or not self.may_ship):
            raise ValueError(f"may_ship and partial are about paid orders, and this one is {self.status}")
        return self

    def meaning(self) -> StatusMeaning:
        """Give it as the domain knows it."""
        return StatusMeaning(ChannelStatus(self.status), self.may_ship, self.partial)


class StatusMapDocument(BaseModel):
    """Per channel, every raw code with its meaning."""

    model_config = ConfigDict(extra="forbid")

    channels: dict[Code, dict[Code, MeaningDocument]] = Field(min_length=1)

    def status_map(self, version: int) -> StatusMap:
        """Give it as the domain knows it."""
        channels = self.channels.items()
        return StatusMap(
            version, {name: {raw: one.meaning() for raw, one in codes.items()} for name, codes in channels}
        )
