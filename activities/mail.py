"""Reading the letters of one mail account (EXC-4). A drain does it whenever the store says that it is time."""

from activities.ports import Clock
from activities.ports_mail import Mailboxes, MailVendors
from domain.errors import Broken, Refused, Unavailable
from domain.mail import MailPlace
from domain.outgoing import Call, Queue


class MailReading:
    """Reads what is new and stores it before it counts as read."""

    def __init__(self, mailboxes: Mailboxes, vendors: MailVendors, clock: Clock) -> None:
        self._mailboxes = mailboxes
        self._vendors = vendors
        self._clock = clock

    async def due(self, queue: Queue, most: int) -> list[Call]:
        """Take the account's turn when it has come."""
        return await self._mailboxes.due(queue, self._clock())

    async def read(self, queue: Queue, call: Call) -> None:
        """Read once; what fails is counted and tried again at a later turn."""
        place = MailPlace(call.payload["uid_validity"], call.payload["last_uid"])
        try:
            mailbox = await self._vendors.mailbox(queue.vendor, queue.shop)
            post = await mailbox.letters(place)
        except (Refused, Broken, Unavailable) as error:
            await self._mailboxes.failed(queue, str(error), self._clock())
            return
        await self._mailboxes.keep(queue, post, self._clock())
