"""The words of the completeness ledger, and its alerts."""

from domain.completeness import Fault, Mark

ALERTS = {
    "gap": "漏单未补齐",
    "roll": "渠道无法对单",
    "silence": "渠道没有新订单",
    "connection": "连接不完整",
    "queue": "消息队列中断",
    "queue_message": "渠道消息要人看",
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

SAID: list[tuple[str, str]] = [
    (
        r"(\d+) orders are missing since (\S+ \S+) UTC(?:: ([^(]*?))?(?: \((.*)\))?"
        r"\. They are asked for again and again; see oms completeness",
        "自 {1} UTC 起缺 {0} 个订单：{2}。{3} 系统会不断补取",
    ),
    (
        r"it does not say which orders it has, so nothing is proven: (.*)",
        "渠道没有列出订单，暂时不能证明没有漏单：{0}",
    ),
    (r"the platform counts (\d+) orders and names (\d+)", "渠道计数 {0} 个订单，只列出 {1} 个"),
    (
        r"the shop cannot be asked for one order: import its export \(oms import\)",
        "不能单独查询订单，请导入渠道的导出文件",
    ),
    (
        r"no new order for more than (.*), since (\S+ \S+) UTC: is it still selling, is it still heard\?",
        "超过 {0} 没有新订单（自 {1} UTC）：请看店铺是否在售、消息是否还能收到",
    ),
    (r"its message queue is out of reach since (\S+ \S+) UTC: (.*)\. What waits there stays there",
     "消息队列自 {0} UTC 起连不上：{1}。消息留在对方，不会丢"),
    (r"(\S+): nobody here knows this topic: .*",
     "不认识的消息主题 {0}：消息留在收件箱，订单照常拉取；与订单无关的主题，请在平台取消订阅"),
    (r"(\S+): the seller took the authorisation back: .*",
     "商家取消了授权（{0}）：请让商家重新授权，再运行 oms shop token"),
    (
        r"orders come in and nothing is pushed since (\S+ \S+) UTC: .*?(?:; (.*))?",
        "有订单进来，但自 {0} UTC 起没有推送 {1}",
    ),
    (
        r"its pull is switched off: one way in alone; oms shop backup turns it on(?:; (.*))?",
        "拉取已关闭，只剩一条路 {0}",
    ),
    (
        r"no pull of it is scheduled: is a worker running\? See oms shop list(?:; (.*))?",
        "没有安排拉取，请看工作进程是否在运行 {0}",
    ),
    (r"it was pulled last at (\S+ \S+) UTC(?:; (.*))?", "最近一次拉取成功是 {0} UTC {1}"),
    (r"its pulls fail: (.*)", "拉取一直失败：{0}"),
    (r"it has no access token: oms shop token(?:; (.*))?", "还没有授权 {0}"),
    (r"its authorisation ended at (\S+ \S+) UTC: have the seller authorise it again(?:; (.*))?",
     "授权已于 {0} UTC 过期，请让商家重新授权 {1}"),
    (r"its authorisation ends at (\S+ \S+) UTC: have the seller authorise it again(?:; (.*))?",
     "授权将于 {0} UTC 到期，请让商家重新授权 {1}"),
]  # fmt: skip
"""What the ledger, the connection check and the queues say."""
