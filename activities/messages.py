"""Sending one message to people (OPS-3). A drain does it call by call; what may wait or repeat, the store says."""

from activities.ports import Clock, OutgoingCalls
from activities.ports_messages import Messages, Messengers
from domain.errors import Broken, RateLimited, Refused, Unavailable
from domain.messages import Postponed
from domain.outgoing import Call, Queue


class MessageSending:
    """Sends what the outgoing calls of kind `message` stand for.

    A try is noted before it is made: after an unknown outcome the vendor is asked first, where it can be.
    """

    def __init__(self, calls: OutgoingCalls, messages: Messages, messengers: Messengers, clock: Clock) -> None:
        self._calls = calls
        self._messages = messages
        self._messengers = messengers
        self._clock = clock

    async def send(self, queue: Queue, call: Call) -> None:
        """Send one message, or end its call when it is not needed any more; RateLimited when its turn has not come."""
        message = await self._messages.prepare(queue, call, self._clock())
        if isinstance(message, Postponed):
            raise RateLimited(message.why, message.seconds)
        if message is not None:
            try:
                messenger = await self._messengers.messenger(queue.vendor, queue.shop)
                receipt = await messenger.send(message)
            except (Refused, Broken) as error:
                await self._messages.refused(call, str(error), self._clock())
                raise
            except Unavailable as error:
                await self._messages.failed(call, str(error))
                raise
            await self._messages.sent(call, receipt, self._clock())
        await self._calls.done(queue, call, self._clock())
