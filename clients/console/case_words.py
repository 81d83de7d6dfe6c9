"""What the console says about after-sales cases: kinds, states, waits, choices, and the sentences of refusals."""

import re

from domain.after_sales import Actor, CaseKind, CaseState, Choice, Origin, Outcome

KINDS: dict[str, str] = {
    CaseKind.REFUND: "仅退款",
    CaseKind.RETURN: "退货退款",
    CaseKind.EXCHANGE: "换货",
    CaseKind.RESHIP: "补发",
    CaseKind.PRICE: "价保",
    CaseKind.COMPENSATION: "补偿",
}
STATES: dict[str, tuple[str, str]] = {
    CaseState.CHECKING: ("检查中", "calm"),
    CaseState.REVIEW: ("待审核", "warn"),
    CaseState.STOPPING: ("停止发货中", "calm"),
    CaseState.RETURNING: ("待买家寄回", "calm"),
    CaseState.IN_TRANSIT: ("寄回途中", "calm"),
    CaseState.INSPECTING: ("待验货", "warn"),
    CaseState.PAYING: ("待打款", "warn"),
    CaseState.SHIPPING: ("待补发", "warn"),
    CaseState.CLOSED: ("已结束", "good"),
}
OUTCOMES: dict[str, str] = {
    Outcome.PAID: "已退款",
    Outcome.SHIPPED: "已补发",
    Outcome.REFUSED: "已拒绝",
    Outcome.WITHDRAWN: "已撤销",
    Outcome.EXPIRED: "逾期未寄回",
    Outcome.NOTHING: "未退款",
}
WAITS: dict[str, tuple[str, str, str]] = {
    CaseState.CHECKING: ("等系统检查", "按规则判定，通常几秒", ""),
    CaseState.REVIEW: ("等客服审核", "同意后退款或等买家寄回，拒绝则结束", "逐级上报"),
    CaseState.STOPPING: ("等仓库停止发货", "停下后退款；已发出则转人工审核", "催仓库"),
    CaseState.RETURNING: ("等买家寄回商品", "填好运单后等仓库收货", "自动结束，不退款"),
    CaseState.IN_TRANSIT: ("等退货送到仓库", "仓库收货、验货后退款", "催快递"),
    CaseState.INSPECTING: ("等仓库验货", "验完按实收件数退款", "催仓库"),
    CaseState.PAYING: ("等打款", "到账后自动结束", "上报财务主管"),
    CaseState.SHIPPING: ("等仓库发出补发的商品", "发出后自动结束", "催仓库"),
    CaseState.CLOSED: ("已结束", "—", ""),
}
"""What a case waits for, what comes next, and what happens when the time is over."""

ACTORS: dict[str, str] = {
    Actor.BUYER: "买家",
    Actor.AGENT: "客服",
    Actor.WAREHOUSE: "仓库",
    Actor.COURIER: "快递",
    Actor.FINANCE: "财务",
    Actor.SYSTEM: "系统",
    Actor.NOBODY: "—",
}
WHO: dict[str, str] = {
    "label": "面单识别",
    "buyer": "买家",
    "policy": "规则",
    "channel": "平台",
    "sla": "时效",
    "order": "系统",
}
"""Who did something, where it was no person."""

ORIGINS: dict[str, str] = {
    Origin.BUYER: "买家申请",
    Origin.AGENT: "客服登记",
    Origin.CHANNEL: "平台发起",
    Origin.WAREHOUSE: "仓库发起",
}
PHASES = {"before_shipping": "发货前", "on_the_way": "运输中", "received": "签收后"}
FAULTS = {"warehouse": "仓库", "courier": "快递", "supplier": "供应商", "shop": "店铺"}
GRADES = {"good": "良品", "defective": "残品", "quarantine": "待检"}
WAYS = {"provider": "原支付渠道", "channel": "平台代退", "hand": "人工打款"}
PAYOUTS = {
    "wanted": ("打款中", "warn"),
    "paid": ("已到账", "good"),
    "failed": ("打款失败", "bad"),
    "dropped": ("平台已关闭，不再打款", "warn"),
}
PROVIDERS = {"wechatpay": "微信支付", "alipay": "支付宝", "stripe": "Stripe"}
PHOTOS = {"evidence": "凭证", "label": "退货面单", "inspection": "验货"}
DIMENSIONS = {"sku": "商品", "batch": "批次（货号前缀）", "packaging": "包装（发货仓、箱数）", "courier": "快递"}
BOXES = {"one": "一箱", "several": "拆成多箱"}

CHOICES: dict[str, str] = {
    Choice.APPROVE: "同意",
    Choice.REFUSE: "拒绝",
    Choice.WITHDRAW: "撤销",
    Choice.WAYBILL: "填运单",
    Choice.PAY_WITHOUT: "不等退货，先退款",
    Choice.RECEIVE_ONLY: "只收货，不退款",
    Choice.RETRY_PAYOUT: "重试打款",
    Choice.PAID_BY_HAND: "登记人工打款",
    Choice.TAKE: "由我处理",
}
EXPLAINED: dict[str, str] = {
    Choice.APPROVE: "同意后按金额退款；要寄回的，等仓库收到再退。",
    Choice.REFUSE: "结束这张售后单，买家会看到原因。",
    Choice.WITHDRAW: "买家不再需要售后，结束这张单。",
    Choice.WAYBILL: "登记退货包裹，仓库据此认领。",
    Choice.PAY_WITHOUT: "不再等商品寄回，马上退款。原因会记录备查。",
    Choice.RECEIVE_ONLY: "商品收下，但不退款。买家会看到原因。",
    Choice.RETRY_PAYOUT: "用同一编号再请求一次，不会重复打款。",
    Choice.PAID_BY_HAND: "请在钱确实已经打出之后登记，并填写银行或支付平台的流水号。",
    Choice.TAKE: "负责人改为您，其他人会看到。",
}
ACTIONS = {
    "case.opened": "申请售后",
    "case.checked": "规则判定",
    "case.observed": "平台更新",
    "case.ticket": "关联工单",
    "case.review": "转人工审核",
    "case.stopping": "请仓库停止发货",
    "case.returning": "等买家寄回",
    "case.in_transit": "退货已寄出",
    "case.inspecting": "等仓库验货",
    "case.paying": "等打款",
    "case.shipping": "等补发",
    "case.closed": "售后结束",
    "case.reopened": "平台说买家已寄出，售后重新打开",
    "case.authorised": "同意寄回",
    "case.waybill": "登记退货运单",
    "case.received": "仓库收到退货",
    "case.inspected": "验货完成",
    "case.granted": "核准退款金额",
    "case.payout_wanted": "发起打款",
    "case.payout_failed": "打款失败",
    "case.paid": "退款到账",
    "case.due_soon": "快到时限",
    "case.overdue": "超过时限，已上报",
    "case.approve": "同意",
    "case.refuse": "拒绝",
    "case.withdraw": "撤销",
    "case.pay_without_return": "不等退货，先退款",
    "case.receive_without_refund": "只收货，不退款",
    "case.retry_payout": "重试打款",
    "case.paid_by_hand": "登记人工打款",
    "case.take": "改由自己处理",
    "case.photo_opened": "查看照片",
    "case.photo": "上传照片",
    "case.label": "识别退货面单",
    "case.stop_asked": "已请仓库停止发货",
    "case.replacing": "安排补发",
    "case.shipped": "补发已寄出",
    "case.parcel_signed": "退货包裹已签收",
    "case.replacement_lost": "补发订单没有发出",
    "case.handed": "转交",
    "order.case_opened": "申请售后",
    "order.case_closed": "售后结束",
    "order.case_reopened": "售后重新打开",
}
ALERTS = {
    "case_overdue": "售后超时",
    "payout_by_hand": "需要人工打款",
    "payout_failed": "打款失败",
    "case_unanswered": "平台还在等答复",
}
ANSWERS = {"approved": "已同意", "refused": "已拒绝", "withdrawn": "已撤销", "paid": "已登记到账"}
"""What came of a decision, where one word says it; elsewhere these words mean an order's state."""

SAID: list[tuple[str, str]] = [
    (r"nothing is paid for case (\S+), and (\w+) waits for an answer to its case (\S+): answer it there",
     "售后单 {0} 没有退款，{1} 还在等对平台售后单 {2} 的答复，请到平台处理"),
    (r"case (\S+) kept its units from being shipped and ended without money: pay back what they cost",
     "售后单 {0} 拦下了商品不发货，但结束时没有退款：请退还这些商品的钱"),
    (r"the case is closed; open a new one", "售后单已结束，需要时请另开一张"),
    (r"refuse needs a reason: .*", "拒绝要写原因，买家会看到"),
    (r"pay_without_return needs a reason: .*", "先退款要写原因，备查"),
    (r"receive_without_refund needs a reason: .*", "不退款要写原因，买家会看到"),
    (r"the case is (\w+): there is nothing to review", "现在{0}，不需要审核"),
    (r"the case is (\w+): too late to withdraw", "现在{0}，太晚了，不能撤销"),
    (r"the case is (\w+): no parcel is expected", "现在{0}，不等退货包裹"),
    (r"the case is (\w+): it waits for no goods", "现在{0}，不等退货"),
    (r"the case is (\w+): no money is due", "现在{0}，没有要打的款"),
    (r"a case of kind (\w+) waits for no goods", "{0}不需要寄回商品"),
    (r"which parcel\? waybill_no is empty", "请填写运单号"),
    (r"paid by hand needs the reference of the bank or the provider", "请填写银行或支付平台的流水号"),
    (r"(-?[\d.]+) cannot be paid back; at most (-?[\d.]+) can", "不能退 {0}，最多可退 {1}"),
    (r"only parts of a bundle came back: name the amount, at most ([\d.]+)",
     "组合商品只收回一部分：请填写退款金额，最多 {0}"),
    (r"([\d.]+) is more than (\S+) may grant at once \(([\d.]+)\): who may pay does it, or less",
     "{0} 超过 {1} 一次可批准的 {2}：请管理员批准，或填写不超过它的金额"),
    (r"the provider was asked and has not answered yet: .*", "支付平台还没有答复：请等结果，或到它的后台核对"),
    (r"(\S+) is closed, or has not started yet: look again in a moment", "{0} 已结束或还没有开始，请稍后再看"),
    (r"there is no case (\S+); .*", "没有售后单 {0}"),
    (r"the parcel is noted", "运单已登记"),
    (r"it is (\S+)'s", "现在由 {0} 处理"),
    (r"paid without waiting for the goods", "不等退货，开始退款"),
    (r"received without a refund", "只收货，不退款"),
    (r"asked again", "已再次请求打款"),
    (r"the payout is under way", "打款正在进行"),
    (r"taken already", "已受理过"),
    (r"the platform has agreed to it already", "平台已同意"),
    (r"order (\S+) has no line (\S+); .*", "订单没有这一行：{1}"),
    (r"line (\S+): (-?\d+) units; name 1 or more", "第 {0} 行的件数要在 1 以上"),
    (r"the payout of case (\S+) failed: (.*); mend it, then oms case retry \S+",
     "售后单 {0} 打款失败：{1}。处理好原因后点“重试打款”"),
    (r"([\d.]+) (\w+) have to be paid back by hand, then: oms case paid (\S+)",
     "需要人工退款 {0} {1}：打款后在售后单 {2} 登记流水号"),
    (r"(?:(.+): )?(\w+) is due soon since (.*) UTC; told: (\w+)", "{1}快到时限（从 {2} UTC 起），已通知 {3} {0}"),
    (r"(?:(.+): )?(\w+) is overdue since (.*) UTC; told: (\w+)", "{1}超时（从 {2} UTC 起），已通知 {3} {0}"),
    (r"never due", "没有时限"),
    (r"due (\d{4}-\d\d-\d\d \d\d:\d\d)", "{0} 到期"),
    *((state, words) for state, (words, _) in STATES.items() if state != CaseState.CLOSED),
    *KINDS.items(),
]  # fmt: skip


def state_words(state: str, outcome: str = "") -> tuple[str, str]:
    """Name a case's state with its tone; of one that ended, how."""
    words, tone = STATES.get(state, (state, "calm"))
    if not outcome:
        return words, tone
    return OUTCOMES.get(outcome, outcome), "good" if outcome in {Outcome.PAID, Outcome.SHIPPED} else "calm"


def differs_words(words: str) -> str:
    """Say how what came back differs from what was announced (store/return_intake.py)."""
    parts = []
    for part in words.split("; "):
        counted, strange = re.fullmatch(r"(\S+) (\d+) of (\d+)", part), re.fullmatch(r"(\S+) was not announced", part)
        whole = re.fullmatch(r"(\S+) whole (\d+) of (\d+)", part)
        if whole:
            parts.append(f"组合 {whole[1]} 应收 {whole[3]} 套，成套收回 {whole[2]} 套")
        elif counted:
            parts.append(f"{counted[1]} 应收 {counted[3]} 件，收到 {counted[2]} 件")
        else:
            parts.append(f"{strange[1]} 不在申请内" if strange else part)
    return "；".join(parts)


def value_words(dimension: str, value: str) -> str:
    """Name a value of a report's dimension; couriers are named by the caller."""
    if not value:
        return "不明"
    if dimension == "packaging":
        warehouse, _, boxes = value.partition("|")
        return f"{warehouse} · {BOXES.get(boxes, boxes)}"
    return value
