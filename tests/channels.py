"""What the fakes of sales channels share: after-sales cases that nobody is to ask about."""

from domain.after_sales import ChannelAnswer
from domain.observations import CaseObserved
from domain.pulling import Page, Window


class NoCases:
    """A channel whose cases are not part of the test."""

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        raise AssertionError("cases are not pulled here")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        raise AssertionError("no case is asked for here")

    async def answer_case(self, answer: ChannelAnswer) -> None:
        raise AssertionError("no case is answered here")
