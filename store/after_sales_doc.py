"""The schema of the settings document `after_sales`: the policy as a decision table (domain/after_sales_policy.py)."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.after_sales import CaseKind, Origin
from domain.after_sales_policy import Phase, Policy, PolicyRow, Reason, Ruling
from store.durations import Duration


class PolicyRowDocument(BaseModel):
    """One row; an empty cell fits everything, the first row that fits decides."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    ruling: Ruling
    words: str = Field(default="", max_length=200)
    words_en: str = Field(default="", max_length=300)
    kinds: tuple[CaseKind, ...] = ()
    phases: tuple[Phase, ...] = ()
    origins: tuple[Origin, ...] = ()
    reasons: tuple[str, ...] = ()
    sku_prefixes: tuple[str, ...] = ()
    within_days: int | None = Field(default=None, ge=0, le=3650)
    up_to_minor: int | None = Field(default=None, ge=0)
    from_cases: int | None = Field(default=None, ge=1)
    freight_back: bool = False
    pay_before_return: bool = False
    needs_photo: bool = False


class ReasonDocument(BaseModel):
    """A reason that can be chosen; `fault` is empty where nobody is to blame."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=40)
    words: str = Field(min_length=1, max_length=60)
    words_en: str = Field(default="", max_length=90)
    fault: str = Field(default="", pattern="^(warehouse|courier|supplier|shop)?$")


class AfterSalesDocument(BaseModel):
    """The policy: rows, reasons, and how long a buyer may take to send goods back."""

    model_config = ConfigDict(extra="forbid")

    rows: tuple[PolicyRowDocument, ...] = Field(min_length=1, max_length=200)
    reasons: tuple[ReasonDocument, ...] = Field(min_length=1, max_length=100)
    return_seconds: Duration
    cases_window_days: int = Field(ge=1, le=3650)
    most_photos: int = Field(ge=0, le=20)
    photo_bytes: int = Field(ge=100_000, le=20_000_000)
    agent_up_to_minor: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _reasons_are_known(self) -> "AfterSalesDocument":
        known = {reason.code for reason in self.reasons}
        for number, row in enumerate(self.rows, start=1):
            if strange := [code for code in row.reasons if code not in known]:
                raise ValueError(f"row {number} ({row.name}) names unknown reasons: {', '.join(strange)}")
        return self

    def policy(self, version: int, profile: str) -> Policy:
        """Take one profile's values out."""
        return Policy(
            version=version,
            rows=tuple(PolicyRow(**row.model_dump()) for row in self.rows),
            reasons=tuple(Reason(**reason.model_dump()) for reason in self.reasons),
            return_seconds=float(getattr(self.return_seconds, profile)),
            cases_window_days=self.cases_window_days,
            most_photos=self.most_photos,
            photo_bytes=self.photo_bytes,
            agent_up_to_minor=self.agent_up_to_minor,
        )
