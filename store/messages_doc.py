"""The schema of the settings document `messages`: who hears of what, in which words, how often and when (OPS-3)."""

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.messages import BUYER, VENDORS, MessageRules, Pace, Quiet, Recipient, Rule, Template
from store.durations import Duration

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Hours = tuple[time, time]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RecipientPart(_Part):
    """One way to a role: an account, and whom to name (robots), call, text or mail there."""

    account: str = Field(pattern=r"^[a-z_]+/[A-Za-z0-9_-]+$")
    mobiles: tuple[Annotated[str, Field(pattern=r"^\+?[0-9]{5,15}$")], ...] = ()
    users: tuple[str, ...] = ()
    mails: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = ()

    @field_validator("account")
    @classmethod
    def _known_vendor(cls, account: str) -> str:
        if account.partition("/")[0] not in VENDORS:
            raise ValueError(f"an account is VENDOR/CODE with a vendor of {', '.join(sorted(VENDORS))}")
        return account


class RulePart(_Part):
    """Who hears of a kind; the first row that fits decides."""

    kind: str = Field(pattern=r"^[a-z0-9_.*?]+$", max_length=64)
    to: tuple[Name, ...] = Field(min_length=1)
    template: Name
    quiet: bool = True
    level: Literal["note", "warning", "critical"] = "note"


class TemplatePart(_Part):
    """Words with {facts}; codes of the templates that a vendor holds, and what fills them."""

    title: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=4000)
    codes: dict[Literal["aliyun_sms", "aliyun_voice"], str] = Field(default_factory=dict)
    params: dict[str, str] = Field(default_factory=dict)


class QuietPart(_Part):
    """Quiet hours in a zone, for real and sped up; null is none."""

    zone: str
    live: Hours | None
    demo: Hours | None

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not a time zone, such as Asia/Shanghai") from error
        return zone


class PacePart(_Part):
    """At most so many messages in so many seconds."""

    messages: int = Field(ge=1, le=500)
    seconds: float = Field(gt=0, le=86_400)


class MessagesDocument(_Part):
    """Who hears of what."""

    recipients: dict[Name, tuple[RecipientPart, ...]]
    rules: tuple[RulePart, ...]
    templates: dict[Name, TemplatePart]
    quiet_hours: QuietPart
    window_seconds: Duration
    limits: dict[str, tuple[PacePart, ...]]
    merge_from: int = Field(ge=2, le=1000)

    @model_validator(mode="after")
    def _names_exist(self) -> "MessagesDocument":
        for rule in self.rules:
            if rule.template not in self.templates:
                raise ValueError(f"the rule for {rule.kind} names template {rule.template}, which is not there")
            for role in rule.to:
                if role not in self.recipients:
                    raise ValueError(f"the rule for {rule.kind} names {role}, who is not among the recipients")
        for one in self.recipients.get(BUYER, ()):
            if not one.account.startswith("aliyun_sms/"):
                raise ValueError(f"buyers are reached by SMS alone, not through {one.account}")
        if unknown := sorted(set(self.limits) - VENDORS):
            raise ValueError(f"limits names {unknown[0]}; known are {', '.join(sorted(VENDORS))}")
        return self

    def rules_in_force(self, version: int, profile: str) -> MessageRules:
        """Take one profile's values out."""
        hours: Hours | None = getattr(self.quiet_hours, profile)
        return MessageRules(
            recipients={
                role: tuple(Recipient(**one.model_dump()) for one in ways) for role, ways in self.recipients.items()
            },
            rules=tuple(Rule(**one.model_dump()) for one in self.rules),
            templates={name: Template(**one.model_dump()) for name, one in self.templates.items()},
            quiet=Quiet(self.quiet_hours.zone, *hours) if hours else None,
            window_seconds=float(getattr(self.window_seconds, profile)),
            paces={vendor: tuple(Pace(**one.model_dump()) for one in paces) for vendor, paces in self.limits.items()},
            merge_from=self.merge_from,
            version=version,
        )
