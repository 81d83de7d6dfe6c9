"""The words about strangers who take fewer of our calls than we make (INT-16)."""

ALERTS = {"limits": "限流变多"}
SAID: list[tuple[str, str]] = [
    (r"(\d+) of (\d+) calls within (.*) were too many for it \((\d+) %; (\S+) % in the day before\): "
     r"has its limit changed\?; (.*)",
     "{2} 内 {1} 次调用有 {0} 次被限流（{3}%，前一天 {4}%），限额可能变了。建议：{5}"),
    (r"pull it every (.*) instead of (.*) \(settings timing, (\w+)\); (.*)",
     "把拉单间隔从 {1} 改为 {0}（设置“等待时间”，{2}）；{3}"),
    (r"its push works: leave it to that alone, (oms shop backup \S+ \S+ off); (.*)",
     "推送正常，可以只靠推送：{0}；{1}"),
    (r"it can push and does not: turn its push on at the platform; (.*)", "渠道能推送但没有推送，请到平台打开；{0}"),
    (r"its message queue brings news without asking: connect it with --param (\w+)=ADDRESS; (.*)",
     "改用消息队列，不用反复询问：连接参数 {0}；{1}"),
    (r"ask the vendor for a higher limit", "向对方申请更高的限额"),
    (r"pull_period_seconds", "拉单间隔（不推送的渠道）"),
    (r"pull_beside_push_seconds", "拉单间隔（同时有推送的渠道）"),
    (r"pull_limited_seconds", "拉单间隔（限流严的渠道）"),
]  # fmt: skip
