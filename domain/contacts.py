"""Receivers as channels give them. Owns the shape of personal data; sealing it is store/keyring.py's."""

from dataclasses import dataclass, field
from enum import StrEnum


class ContactForm(StrEnum):
    """How much of a receiver the channel lets us see."""

    PLAIN = "plain"
    MASKED = "masked"
    CIPHERTEXT = "ciphertext"


@dataclass(frozen=True, slots=True)
class Contact:
    """One receiver. Name, phone and address are plain, masked or ciphertext, as `form` says.

    `handle` is the platform's id for the hidden receiver (oaid), `merge_key` tells that two hidden receivers
    are the same. Province, city and district are always in clear: routing needs them.
    """

    form: ContactForm
    province: str
    city: str
    district: str = ""
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    handle: str = ""
    merge_key: str = ""
