"""The page under /pda: one screen that its script fills. Owns its texts; everything works with a thumb or a scanner."""

import json

from markupsafe import Markup

from clients.console import assets
from clients.console.html import tag

TEXTS = {
    "title": "退货验收",
    "scan": "扫运单号、售后单号或订单号",
    "scan_sku": "扫商品条码，每扫一件加一件良品",
    "online": "已联网",
    "offline": "没有网络，提交的内容会保存在本机，联网后自动发送",
    "waiting": "待发送 {n} 份",
    "sent": "已提交 {no}",
    "again": "{no} 之前已经提交过",
    "refused": "{no} 没有成功：{words}",
    "discard": "删除这一份",
    "login": "登录已过期，待发送的内容还在本机，请重新登录",
    "log_in": "去登录",
    "empty": "现在没有要验收的退货",
    "no_match": "没有这个单号：{code}",
    "wrong": "扫错了！{code} 不在这张退货单里",
    "stop": "知道了",
    "add": "确实收到了这件商品",
    "stray": "是没人申报的包裹，登记下来",
    "good": "良品",
    "damaged": "残次",
    "planned": "应收 {n}",
    "here": "待验 {n}",
    "note": "说明（有残次时请写）",
    "photo": "拍照",
    "photo_taken": "已拍照，点此重拍",
    "submit": "提交验收",
    "submit_stray": "登记包裹",
    "nothing": "还没有数到任何一件",
    "back": "返回清单",
    "sku": "商品编码",
    "add_line": "加一行",
    "place": "收货地点",
    "stray_title": "没人申报的包裹",
    "not_allowed": "您的角色不能验收退货，请找仓库同事。",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)


def shell(login: str, word: str) -> str:
    """Build the page; the script finds texts and the form's word in it."""
    told = json.dumps(TEXTS, ensure_ascii=False)
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
        tag("meta", name="form-word", content=word),
        tag("meta", name="texts", content=told),
        tag("title", f"{TEXTS['title']} · 稳单"),
        tag("link", rel="icon", href=assets.address("icon.svg")),
        tag("link", rel="stylesheet", href=assets.address("pda.css")),
        tag("script", src=assets.address("pda.js"), defer=True),
    ]
    main = [
        tag(
            "header",
            tag("h1", TEXTS["title"]),
            tag("span", login, class_="who"),
            tag("p", TEXTS["online"], id="net", role="status"),
            tag("p", id="queue", role="status"),
        ),
        tag("div", id="said", role="alert"),
        tag("main", id="view"),
        tag("div", id="stop", hidden=True, role="alertdialog", aria_modal="true"),
    ]
    return Markup("<!doctype html>") + tag("html", tag("head", head), tag("body", main), lang="zh-CN")


def refusal() -> str:
    """Build the page for somebody who may not inspect."""
    sheet = tag("link", rel="stylesheet", href=assets.address("pda.css"))
    head = tag("head", tag("meta", charset="utf-8"), tag("title", TEXTS["title"]), sheet)
    body = tag("body", tag("main", tag("h1", TEXTS["title"]), tag("p", TEXTS["not_allowed"], role="alert")))
    return Markup("<!doctype html>") + tag("html", head, body, lang="zh-CN")
