"""Whose letters are read: the vendors of role `mail`, what each needs, and their classes (EXC-4)."""

from collections.abc import Callable, Mapping

import httpx

from connectors.mail.imap import ImapMailbox
from connectors.messengers import Needs
from connectors.outbound import Clock, Mailbox
from domain.shops import Shop

NEEDS: Mapping[str, Needs] = {
    "imap": Needs(
        "imaps://HOST:993, imap+starttls://HOST:143 or imap://HOST:143",
        "the login",
        "the password of the login, or the code that the provider gives for programs (授权码)",
        optional_params={"folder": "the folder that is read, INBOX without it"},
    ),
}
MAILBOXES: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], Mailbox]] = {"imap": ImapMailbox}
