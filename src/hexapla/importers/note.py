"""What became of an entry of the foreign file, in English and Chinese.

Rules of this file: a note names the place in the foreign file and never a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Kind = Literal["carried", "changed", "left", "you"]
"""As it was; in another way; not at all; something is left for a person to do."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """where  the place in the foreign file;  code: its text;  facts: what the text names"""

    where: str
    kind: Kind
    code: str
    facts: dict[str, str] = {}


TEXTS: dict[str, tuple[str, str]] = {
    # carried and changed
    "provider": ("is the provider {provider}", "对应供应商 {provider}"),
    "own": ("is the provider {provider} of your own, at {url}", "成为自定义供应商 {provider}，地址 {url}"),
    "alias": ("is the alias {name} of {model}", "成为 {model} 的别名 {name}"),
    "chain": ("is the chain of {name}", "成为 {name} 的备用链"),
    "profile": ("is the profile {name}", "成为配置档 {name}"),
    "setting": ("is {key}", "对应 {key}"),
    "client-key": ("is the client key {name}, from ${variable}", "成为客户端密钥 {name}，取自 ${variable}"),
    "kept": ("is kept in the file", "保留在文件中"),
    "balanced": (
        "is tried after the entries before it; Hexapla falls over in order, and balances between keys of one provider",
        "排在前面的条目之后依次尝试；Hexapla 按顺序切换，仅在同一供应商的多个密钥之间分流",
    ),
    "shared-key": (
        "is one of the keys of {provider}, which all its models share",
        "成为 {provider} 的密钥之一，由其所有模型共用",
    ),
    "thinking": (
        "is the opus slot of {name}: names of models decide here, not whether a request thinks",
        "成为 {name} 的 opus 槽位：此处由模型名称决定，而不是请求是否思考",
    ),
    "background": ("is the haiku slot of {name}", "成为 {name} 的 haiku 槽位"),
    "longest": (
        "is in the chain of {name}: a request that is too long for one model goes to the next",
        "加入 {name} 的备用链：对一个模型过长的请求会转到下一个",
    ),
    "price": ("is the price of {model}", "成为 {model} 的价格"),
    "facts": ("is what is known of {model}", "成为 {model} 的资料"),
    # something to do
    "set": ("stood there as text: set ${variable}", "原为明文：请设置 ${variable}"),
    "login": ("wants a login: run `hexapla login {provider}`", "需要登录：请运行 `hexapla login {provider}`"),
    "ended": (
        "used a login that its vendor has ended: `hexapla doctor {provider}` says which key it takes",
        "原来的登录方式已被厂商停用：`hexapla doctor {provider}` 会说明需要哪个密钥",
    ),
    "own-login": (
        "uses the program's own login: `hexapla run {program} --profile {name}`",
        "使用该程序自己的登录：`hexapla run {program} --profile {name}`",
    ),
    "place": (
        "needs to know where it is: set {variables}",
        "需要知道位置：请设置 {variables}",
    ),
    "no-provider": (
        "names {name}, which is not built in and has no address; add [[providers.{name}.endpoints]]",
        "所指的 {name} 不是内置供应商且没有地址，请添加 [[providers.{name}.endpoints]]",
    ),
    "no-model": ("names {name}, which nobody here serves", "所指的 {name} 没有供应商提供"),
    "no-profile": ("names {name}, which was not imported", "所指的 {name} 没有导入"),
    "include": ("is another file: import it as well", "是另一个文件：请一并导入"),
    "host-keys": (
        "opens the gateway to the network; Hexapla wants [[keys]] for that",
        "使网关对网络开放；为此 Hexapla 要求配置 [[keys]]",
    ),
    # left
    "disabled": ("was switched off", "原已停用"),
    "empty": ("has no {missing}", "缺少 {missing}"),
    "twice": ("has the name of an entry before it: {name}", "与前面的条目同名：{name}"),
    "needless": ("is not needed here", "此处不需要"),
    "router": (
        "chooses a model by asking another one, which Hexapla does not do",
        "用另一个模型来选择模型，Hexapla 不这样做",
    ),
    "scenario": (
        "chooses by what a request holds, which Hexapla does not do",
        "按请求内容选择模型，Hexapla 不这样做",
    ),
    "rule": ("is a rule about requests, which Hexapla does not have", "是针对请求的规则，Hexapla 没有此功能"),
    "script": ("is a program, which Hexapla does not run", "是一段程序，Hexapla 不会运行"),
    "context": ("changes what is said, which Hexapla does not do by itself", "会改写内容，Hexapla 不会自行这样做"),
    "limit": ("limits single deployments, which Hexapla does not do", "限制单个部署，Hexapla 不这样做"),
    "balance": ("chooses among equals; Hexapla goes by order", "在同类之间选择；Hexapla 按顺序"),
    "default": (
        "is a default of one model; set it in the client, or in quirks of an endpoint of your own",
        "是某个模型的默认参数；请在客户端或自定义端点的 quirks 中设置",
    ),
    "service": (
        "is a service of that program, which Hexapla does not have",
        "是该程序自带的服务，Hexapla 没有对应功能",
    ),
    "cloud": (
        "is a cloud that Hexapla does not speak to; put a proxy before it",
        "是 Hexapla 不直接支持的云服务；请在其前面加代理",
    ),
    "wildcard": ("passes any name on, as `provider/model` always does", "放行任意名称，`provider/model` 本来就可以"),
    "unknown": ("is not known to this importer", "导入器不认识此项"),
}


def told(note: Note, language: str) -> str:
    """A note as a sentence."""
    return TEXTS[note.code][1 if language == "zh" else 0].format_map(note.facts)


def counts(notes: Iterable[Note]) -> dict[str, int]:
    """How many there are of each kind."""
    found = dict.fromkeys(("carried", "changed", "left", "you"), 0)
    for note in notes:
        found[note.kind] += 1
    return found
