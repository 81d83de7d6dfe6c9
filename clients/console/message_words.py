"""What the console says about messages to people: states, services, kinds, and the sentences of their trouble."""

STATES = {
    "waiting": ("等待发送", "calm"),
    "sending": ("发送中", "calm"),
    "sent": ("已发送", "good"),
    "refused": ("被拒绝", "bad"),
    "nobody": ("没有接收人", "warn"),
    "no_phone": ("没有可用手机号", "warn"),
    "repeated": ("重复，未再发", "calm"),
    "merged": ("已合并", "calm"),
}
VENDORS = {
    "wecom": "企业微信",
    "dingtalk": "钉钉",
    "feishu": "飞书",
    "aliyun_sms": "短信",
    "aliyun_voice": "电话",
    "smtp": "邮件",
}
LEVELS = {"critical": ("紧急", "bad"), "warning": ("注意", "warn"), "note": ("提示", "calm")}
RECIPIENTS = {
    "service_agent": "客服",
    "service_supervisor": "客服主管",
    "warehouse_lead": "仓库主管",
    "supply_chain": "供应链总监",
    "finance_supervisor": "财务主管",
    "finance_head": "财务负责人",
    "sales_lead": "销售负责人",
    "tech_lead": "技术负责人",
    "ceo": "总经理",
    "it_owner": "IT 负责人",
    "channel_owner": "渠道负责人",
    "duty_phone": "值班电话",
    "buyer": "买家",
}
ALERTS = {"message_refused": "消息发不出去", "message_template": "消息模板缺内容"}
SAID = [
    (r"a message was refused: (.*)", "有消息被拒绝：{0}。请检查账号"),
    (r"template (\S+) of the settings document messages asks for (.*), which nobody gives",
     "消息模板 {0} 要的 {1} 没有内容，请修改模板"),
    (r"no rule for (\S+)", "设置里没有 {0} 的规则"),
    (r"no rule tells buyers of (\S+)", "设置里没有告诉买家 {0} 的规则"),
    (r"no account (\S+) is connected: oms shop add", "账号 {0} 还没有连接：用 oms shop add 添加"),
    (r"the settings name no account for (.*)", "设置里没有 {0} 的账号"),
    (r"no account '(.*)' for messages is connected; see oms shop list", "消息账号 {0} 还没有连接"),
    (r"the channel shows no whole mobile number of the buyer", "渠道没有给出买家的完整手机号"),
    (r"quiet hours until (\d\d:\d\d) UTC", "免打扰时段，到 UTC {0} 再发"),
    (r"message (\d+) said the same", "和消息 {0} 内容相同"),
    (r"in message (\d+)", "已并入消息 {0}"),
    (r"(\S+) takes no more for (\d+) s", "{0} 发得太快，{1} 秒后再发"),
    (r"nobody to (?:write to|call|mail) \((\S+)\): .*", "没有接收人：请在设置里填手机号或邮箱"),
    (r"no message (\d+); see oms message list", "没有消息 {0}"),
]  # fmt: skip
