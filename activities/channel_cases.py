"""Telling a sales channel what we decide about its own after-sales cases. Makes one call and closes it."""

from activities.ports import Clock, OutgoingCalls, SalesChannel, Vendors
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Refused, Unavailable
from domain.observations import CaseObserved, ChannelCaseState
from domain.outgoing import Call, Queue

ENDED = frozenset({ChannelCaseState.PAID, ChannelCaseState.REFUSED, ChannelCaseState.CLOSED})


class CaseAnswers:
    """The work of the `case` queues."""

    def __init__(self, calls: OutgoingCalls, vendors: Vendors, clock: Clock) -> None:
        self._calls = calls
        self._vendors = vendors
        self._clock = clock

    async def answer(self, queue: Queue, call: Call) -> None:
        """Make one call. Agreeing to a refund is done when the channel's own case says that the money moved (AFT-7)."""
        channel = await self._vendors.channel(queue.vendor, queue.shop)
        told = _told(call)
        if told.action is CaseAction.AGREE_REFUND:
            await self._agree(queue, call, channel, told)
        else:
            await channel.answer_case(told)
        await self._calls.done(queue, call, self._clock())

    async def _agree(self, queue: Queue, call: Call, channel: SalesChannel, told: ChannelAnswer) -> None:
        """Agree, and look what came of it; what may have been sent before is looked at first."""
        seen = await self._look(queue, channel, told) if call.attempts > 1 else None
        if seen is None or seen.state not in ENDED:
            await channel.answer_case(told)
            seen = await self._look(queue, channel, told)
        if seen.state not in ENDED:
            raise Unavailable(f"the refund of case {told.case_no} is agreed, {queue.vendor} has not paid it yet")
        if seen.state is not ChannelCaseState.PAID:
            words = f"{queue.vendor} has ended case {told.case_no} as {seen.state.value} ({seen.raw_status})"
            raise Refused(seen.state.value, words)

    async def _look(self, queue: Queue, channel: SalesChannel, told: ChannelAnswer) -> CaseObserved:
        """Ask for the case; the answer is booked like any message, so that a push that was lost is made good."""
        seen, raw = await channel.read_case(told.case_no)
        await self._calls.answered(queue, seen, raw, self._clock())
        return seen


def _told(call: Call) -> ChannelAnswer:
    told = call.payload
    return ChannelAnswer(
        case_no=told["case_no"],
        order_no=told["order_no"],
        kind=CaseKind(told["kind"]),
        action=CaseAction(told["action"]),
        key=call.key,
        currency=told["currency"],
        amount_minor=told.get("amount_minor", 0),
        reason=told.get("reason", ""),
        carrier=told.get("carrier", ""),
        waybill_no=told.get("waybill_no", ""),
    )
