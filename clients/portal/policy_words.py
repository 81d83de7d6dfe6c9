"""The after-sales policy in the reader's language: its own English cells, and English for the sentences we write.

A sentence that has none is shown as it stands. Owns no rule.
"""

import re
from collections.abc import Mapping

from clients.portal.words import REASON_WORDS
from domain.after_sales_policy import Policy

_SENTENCES: tuple[tuple[str, str], ...] = (
    (r"订单还没有付款,无法申请售后", "The order is not paid yet: nothing can be asked for"),
    (
        r"这些商品已有处理中的售后单 (.+),请等它结束",
        "Request {0} about these goods is still open: please wait for its end",
    ),
    (r"申请数量超过可申请的数量:(.+)", "More units than are left: {0}"),
    (r"不认识的原因 .*", "This reason is not known"),
    (r"这些商品已经没有可退的金额", "Nothing is left to be paid back for these goods"),
    (r"商品还没有发出,请申请仅退款", "Not sent yet: please ask for a refund only"),
    (r"申请金额 ([\d.]+) 超过可退金额 ([\d.]+)", "{0} is more than the {1} that can be paid back"),
    (r"已全部退款", "All of it is paid back"),
    (r"订单只付了定金,只能整单退款", "Only the deposit is paid: the whole order can be paid back, not a part"),
    (r"没有一行适用,由客服审核", "Our service decides"),
    (r"这个原因需要照片,请上传照片后再申请", "This reason needs a photo: please add one"),
    (r"照片最多 (\d+) 张", "At most {0} photos"),
    (r"现在不需要面单照片", "No photo of a label is needed now"),
    (r"面单照片已有 (\d+) 张,请直接填写运单号", "There are {0} photos of the label already: please type the number"),
)
_WITH_PHOTO = ":请上传照片后再申请"
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def in_english(policy: Policy) -> "PolicyWords":
    """Take the English cells out of a policy: of rows by what buyers read in Chinese, of reasons by their code."""
    rows = {row.words or row.name: row.words_en for row in policy.rows if row.words_en}
    return PolicyWords(rows, {one.code: one.words_en for one in policy.reasons if one.words_en})


class PolicyWords:
    """Says what the policy said in one language; `english` is None for Chinese, in which all of it is written."""

    def __init__(self, english: Mapping[str, str] | None = None, reasons: Mapping[str, str] | None = None) -> None:
        self._english = english
        self._reasons = reasons or {}

    def __call__(self, words: str) -> str:
        """Give the words in the reader's language; several sentences stand between semicolons."""
        if self._english is None:
            return words
        english = self._english
        return english.get(words) or "; ".join(_one(part, english) for part in words.split(";"))

    def reason(self, code: str, words: str) -> str:
        """Give the words of a reason."""
        return words if self._english is None else self._reasons.get(code) or REASON_WORDS.get(code, words)


def _one(words: str, english: Mapping[str, str]) -> str:
    if known := english.get(words):
        return known
    if words.endswith(_WITH_PHOTO):
        return f"{_one(words.removesuffix(_WITH_PHOTO), english)}: please add a photo"
    for pattern, sentence in _SENTENCES:
        if found := re.fullmatch(pattern, words):
            return sentence.format(*found.groups())
    return words


def tongue(words: str) -> str:
    """Say in which language words are written, for readers that speak them."""
    return "zh-CN" if _CHINESE.search(words) else "en"
