"""Words and sentences about stock in Chinese (clients/console/words.py looks into SAID too). Tables only."""

CHANNELS = {
    "own": "自营商城",
    "douyin": "抖店",
    "taobao": "淘宝",
    "jd": "京东",
    "pdd": "拼多多",
    "kuaishou": "快手小店",
    "xhs": "小红书",
    "shopee": "虾皮 Shopee",
    "wechatshop": "微信小店",
}
TERMS = {
    "on_hand": "在库",
    "reserved": "− 预占",
    "allocated": "− 已分配",
    "pooled": "− 渠道池",
    "common": "= 公共",
    "safety": "− 安全库存",
    "share_percent": "× 展示比例",
    "own": "+ 本池锁定",
    "weight_percent": "× 积压权重",
    "trial_left": "最多（熔断）",
    "channel_atp": "= 可售",
}
"""The terms of the formula in its order (domain/exposure.py: explain)."""
REASONS = {
    "set": "盘点设置",
    "reserved": "下单预占",
    "released": "释放预占",
    "expired": "预占过期",
    "by hand": "人工释放",
    "allocated": "分配到仓库",
    "recalled": "从仓库撤回",
    "shipped": "发货",
    "overshipped": "仓库多发",
    "locked": "渠道池锁定",
    "unlocked": "渠道池释放",
    "transferred": "调拨",
    "transfer": "为调拨占用",
    "regraded": "调整品级",
    "counted": "盘点差异",
    "received": "收货",
    "returned": "退货",
    "presale": "预售到货",
    "converted": "预售转现货",
}
"""Why counters change: the reasons of the stock ledger."""
BREAKERS = {"closed": ("在售", "good"), "half_open": ("试销", "warn"), "open": ("停售", "bad")}
CAUSES = {"failures": "超卖熔断", "hand": "人工停售"}
ENDS = {"restock": "补货后自动恢复", "trial": "试销卖完，自动恢复", "hand": "人工恢复"}
MEASURES = {"limit": "每人限购 {size} 件", "price": "提价 {size}%"}
MEASURE_STATES = {"proposed": ("待决定", "warn"), "in_force": ("生效中", "good"), "withdrawn": ("没有采用", "calm"),
                  "reverted": ("已撤销", "calm")}  # fmt: skip
PUSH_STATES = {"": ("还没看过", "calm"), "waiting": ("等待推送", "warn"), "told": ("已告知", "good"),
               "refused": ("渠道不收", "bad"), "off": ("不推送", "calm")}  # fmt: skip

SAID: list[tuple[str, str]] = [
    (r"(.*)\. Nothing is changed", "{0}。没有任何改动"),
    (r"(\S+): (\d+) wanted, and (\d+) free \((\d+) on hand - (\d+) allocated - (\d+) reserved - (\d+) in pools\)",
     "{0} 要 {1} 件，可用 {2} 件（在库 {3} − 已分配 {4} − 预占 {5} − 渠道池 {6}）"),
    (r"(\S+): (\d+) wanted, and pool (\S+) has (\d+) locked and not sold", "{0} 要 {1} 件，渠道池 {2} 只锁定 {3} 件"),
    (r"(\S+): pool (\S+) has none locked", "渠道池 {1} 没有锁定 {0}"),
    (r"pool (\S+) has nothing locked", "渠道池 {0} 没有锁定库存"),
    (r"pool (\S+) still has (\d+) units of (\d+) SKUs locked; first.*",
     "渠道池 {0} 还锁定 {2} 个商品共 {1} 件，请先释放"),
    (r"(\d+) orders hold (\d+) units out of pool (\S+), where.*",
     "{0} 个订单占用渠道池 {2} 的 {1} 件，取消时要还回去；等发货或释放后再删除"),
    (r"no SKU '(.*)' is counted", "没有商品 {0}"),
    (r"(\S+) is a bundle: name its components (.*)", "{0} 是组合商品，请填写组件 {1}"),
    (r"(\S+): -?\d+ units cannot be moved; name 1 or more", "{0}：请填写 1 件或更多"),
    (r"no pool '(.*)'; see.*", "没有渠道池 {0}"),
    (r"there is a pool (\S+) already; choose another code", "渠道池 {0} 已存在，请换一个编码"),
    (r"a pool's code is 1 to 32 letters.*", "渠道池编码由 1 到 32 个字母、数字、- 和 _ 组成"),
    (r"no shop (\S+) that sells is connected; see.*", "没有连接销售店铺 {0}"),
    (r"(\S+) is no member of pool (\S+); see.*", "{0} 不在渠道池 {1} 中"),
    (r"(\S+) cannot get units from itself; name another pool", "不能调拨给 {0} 自己"),
    (r"(-?\d+) % is not from (\d+) to (\d+)", "{0}% 不在 {1} 到 {2} 之间"),
    (r"(\d+) % of what is free of these SKUs is less than one unit", "这些商品可用数的 {0}% 不足 1 件"),
    (r"name the SKUs of which the pool shows a share|name SKUs and units: SKU=UNITS", "请填写商品和件数"),
    (r"(\S+): (\d+) of (\d+) good units in (\S+) are free; the others.*",
     "{0} 在 {3} 的 {2} 件良品中只有 {1} 件可动，其余已承诺给订单或被渠道池锁定"),
    (r"(\S+): (\S+) has (\d+) (\w+) units", "{0} 在 {1} 只有 {2} 件{3}"),
    (r"defective", "残品"),
    (r"quarantine", "待检品"),
    (r"say who and why: .*", "请写明操作人和原因"),
    (r"the sale of (\S+) is not stopped: there is nothing to resume", "{0} 没有停售，不需要恢复"),
    (r"a trial is 1 to (\d+) units; .*", "试销件数要填 1 到 {0}"),
    (r"(\S+) is a bundle: stop or resume one of its components \((.*)\)", "{0} 是组合商品，请停售或恢复它的组件 {1}"),
    (r"proposal (\d+) is (\w+): only one that is proposed can be accepted", "建议 {0} 已经决定过了"),
    (r"proposal (\d+) is (\w+) already", "建议 {0} 已经结束了"),
    (r"there is no proposal (\d+); see.*", "没有建议 {0}"),
    (r"no longer low", "不再快卖完"),
    (r"broken: (.*)", "没有成功：{0}"),
    (r"shop (\S+) \((\w+)\) has no access token: .*", "店铺 {1} / {0} 还没有授权"),
    (r"(\d+) units wait to be shipped, more than (\d+) % of the (\d+) available: (.*) sees (\d+) %",
     "{0} 件待发货，超过可售 {2} 件的 {1}%：{3} 只展示 {4}%"),
]  # fmt: skip
