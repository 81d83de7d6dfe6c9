"""Durations in settings documents: each for real and sped up."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Duration(BaseModel):
    """One duration in seconds, for real and sped up."""

    model_config = ConfigDict(extra="forbid")

    live: float = Field(gt=0)
    demo: float = Field(gt=0)


class Durations(BaseModel):
    """Several durations in seconds, in their order, for real and sped up."""

    model_config = ConfigDict(extra="forbid")

    live: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1, max_length=20)
    demo: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1, max_length=20)
