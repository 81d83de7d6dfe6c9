"""The words of the completeness ledger, and its alerts."""

from domain.completeness import Fault, Mark

ALERTS = {
    "gap": "漏单未补齐",
    "roll": "渠道无法对单",
    "silence": "渠道没有新订单",
    "connection": "连接不完整",
    "queue": "消息队列中断",
}
MARKS = {
    Mark.RED: ("漏单", "bad"),
    Mark.HEALING: ("补单中", "bad"),
    Mark.UNASKED: ("未能核对", "warn"),
    Mark.AMBER: ("齐全，有差异", "warn"),
    Mark.HEALED: ("已补齐", "good"),
    Mark.GREEN: ("齐全", "good"),
}
SIGNS = {
    Mark.RED: "✕",
    Mark.HEALING: "↻",
    Mark.UNASKED: "?",
    Mark.AMBER: "!",
    Mark.HEALED: "✓",
    Mark.GREEN: "✓",
}
FAULTS = {
    Fault.MISSING: "缺少",
    Fault.STATUS: "状态落后",
    Fault.TIME: "时间相差超过 15 分钟",
    Fault.EXTRA: "渠道没有列出",
}
KINDS = {"hour": "每小时", "day": "每日", "month": "每月", "hand": "手工"}
