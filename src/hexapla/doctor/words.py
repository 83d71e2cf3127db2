"""What each finding means and what to do about it, in English and Chinese.

Rules of this file: the cause says what was seen, the remedy what to do; an empty remedy belongs to what is well.
"""

from __future__ import annotations

from typing import NamedTuple

from hexapla.chinese import in_chinese
from hexapla.doctor.finding import Finding


class Text(NamedTuple):
    """Cause and remedy."""

    cause: str
    cause_zh: str
    remedy: str = ""
    remedy_zh: str = ""


TEXTS: dict[str, Text] = {
    # keys
    "key.found": Text("{keys} found", "找到 {keys}"),
    "key.none-needed": Text("no key is needed", "不需要密钥"),
    "key.missing": Text("no key was found", "没有找到密钥", "{remedy}", "{remedy}"),
    "key.login": Text("{key} gives no token: {said}", "{key} 没有给出令牌：{said}", "{hint}", "{hint}"),
    "key.source": Text(
        "{key} gives no key: {said}",
        "{key} 没有给出密钥：{said}",
        "check the file, the keyring or the command that auth of providers.{provider} names",
        "请检查 providers.{provider} 的 auth 所指的文件、钥匙串或命令",
    ),
    "key.placeholder": Text(
        "{key} is a placeholder, not a key",
        "{key} 是占位文字，不是密钥",
        "put the real key there{page}",
        "请填入真正的密钥{page}",
    ),
    "key.quoted": Text(
        "{key} begins with a quotation mark", "{key} 以引号开头", "remove the quotation marks", "请去掉引号"
    ),
    "key.bearer": Text(
        "{key} begins with `Bearer`, which is added anyway",
        "{key} 以 `Bearer` 开头，而它会自动添加",
        "keep only the key itself",
        "只保留密钥本身",
    ),
    "key.foreign": Text(
        "{key} looks like a key of {owner}",
        "{key} 看起来是 {owner} 的密钥",
        "check that the right key stands there{page}",
        "请核对密钥是否放对位置{page}",
    ),
    "key.form": Text(
        "{key} does not begin with {prefix} as keys of this provider do",
        "{key} 不像该供应商的密钥那样以 {prefix} 开头",
        "check that it was copied whole{page}",
        "请核对密钥是否完整复制{page}",
    ),
    # addresses and proxies
    "address.ok": Text("{hosts}", "{hosts}"),
    "address.unavailable": Text(
        "this provider cannot be reached: {why}",
        "无法使用该供应商：{why}",
        "do so in the environment or `.env`, or give endpoints in providers.{provider}",
        "请在环境变量或 `.env` 中设置，或在 providers.{provider} 中给出端点",
    ),
    "address.wrong": Text(
        "{url} is no http(s) address",
        "{url} 不是 http(s) 地址",
        "correct base_url of providers.{provider}",
        "请更正 providers.{provider} 的 base_url",
    ),
    "address.plain": Text(
        "the key goes to {host} in clear text (http)",
        "密钥以明文（http）发送到 {host}",
        "use https, unless the way there is private",
        "除非链路是私有的，否则请使用 https",
    ),
    "proxy.none": Text("direct", "直连"),
    "proxy.used": Text("through {proxy}", "经由 {proxy}"),
    "proxy.wrong": Text(
        "{proxy} is no proxy address",
        "{proxy} 不是代理地址",
        "write it as http://host:port or socks5://host:port",
        "请写成 http://主机:端口 或 socks5://主机:端口",
    ),
    "proxy.failed": Text(
        "{said}",
        "{said}",
        "check that the proxy runs, that its address and password are right, and that it allows {host}",
        "请检查代理是否运行、地址和密码是否正确、是否允许访问 {host}",
    ),
    # network
    "dns.ok": Text("{host} is {addresses}", "{host} 解析为 {addresses}"),
    "dns.failed": Text(
        "the name {host} cannot be resolved: {why}",
        "无法解析主机名 {host}：{why}",
        "check its spelling in base_url, the network and its DNS server",
        "请检查 base_url 的拼写、网络及 DNS 服务器",
    ),
    "dns.slow": Text(
        "{host} was not resolved within {limit} seconds",
        "{limit} 秒内未能解析 {host}",
        "check the DNS server of this machine",
        "请检查本机的 DNS 服务器",
    ),
    "tls.ok": Text("certificate of {issuer}, good for {days} days", "证书由 {issuer} 签发，还有 {days} 天有效"),
    "tls.none": Text("plain http", "明文 http"),
    "tls.soon": Text(
        "the certificate of {host} ends in {days} days",
        "{host} 的证书将在 {days} 天后到期",
        "renew it, if the server is yours",
        "如果服务器属于你，请更新证书",
    ),
    "tls.expired": Text(
        "the certificate of {host} has expired",
        "{host} 的证书已过期",
        "renew it, if the server is yours; else check the date of this machine",
        "如果服务器属于你，请更新证书；否则请检查本机日期",
    ),
    "tls.not-yet": Text(
        "the certificate of {host} is not valid yet",
        "{host} 的证书尚未生效",
        "check the date of this machine",
        "请检查本机日期",
    ),
    "tls.self-signed": Text(
        "{host} shows a certificate that signed itself",
        "{host} 使用自签名证书",
        "if you trust it, set $SSL_CERT_FILE to a file with it; behind a proxy that opens TLS, to that proxy's authority",
        "如果信任它，请把 $SSL_CERT_FILE 指向包含该证书的文件；若有拆解 TLS 的代理，请指向该代理的根证书",
    ),
    "tls.issuer": Text(
        "nobody here knows who issued the certificate of {host}",
        "本机不认识 {host} 证书的签发者",
        "install the system's certificates, or set $SSL_CERT_FILE to the authority's",
        "请安装系统根证书，或把 $SSL_CERT_FILE 指向签发者的证书",
    ),
    "tls.name": Text(
        "the certificate of {host} is another host's",
        "{host} 的证书属于另一台主机",
        "check base_url; a proxy or a captive portal may stand in between",
        "请检查 base_url；中间可能有代理或登录门户",
    ),
    "tls.failed": Text(
        "{said}",
        "{said}",
        "check that the port speaks TLS, and what stands in between",
        "请检查该端口是否使用 TLS，以及中间设备",
    ),
    "tls.refused": Text(
        "{said}",
        "{said}",
        "check that the server runs, the port in base_url, and firewalls",
        "请检查服务器是否运行、base_url 的端口以及防火墙",
    ),
    "tls.slow": Text(
        "{host} did not answer within {limit} seconds",
        "{host} 在 {limit} 秒内没有响应",
        "check firewalls; where the provider is blocked, set proxy in the endpoint",
        "请检查防火墙；若该供应商被屏蔽，请在端点中设置 proxy",
    ),
    "clock.ok": Text("right within {skew} seconds", "误差在 {skew} 秒以内"),
    "clock.off": Text(
        "the clock of this machine is {skew} seconds {direction} the provider's",
        "本机时钟与供应商相差 {skew} 秒（{direction_zh}）",
        "turn on time synchronisation (NTP): tokens and certificates have dates",
        "请开启时间同步（NTP）：令牌和证书都有有效期",
    ),
    "clock.unknown": Text("the provider tells no time", "供应商没有返回时间"),
    # models
    "models.listed": Text("{count} models are listed", "列出 {count} 个模型"),
    "models.none": Text("the provider lists no models", "供应商不提供模型列表"),
    "models.strange": Text(
        "{url} answered with {what}, which is no list of models",
        "{url} 返回了 {what}，不是模型列表",
        "check base_url: it may miss a part such as /v1",
        "请检查 base_url：可能缺少 /v1 之类的部分",
    ),
    "models.moved": Text(
        "{url} sends on to {target}",
        "{url} 跳转到 {target}",
        "put the final address into base_url: redirects are never followed with a key",
        "请在 base_url 中填写最终地址：携带密钥的请求不会跟随跳转",
    ),
    "model.listed": Text("{model} is listed", "{model} 在列表中"),
    "model.assumed": Text("{model}, which no list confirms", "{model}（没有列表可核对）"),
    "model.missing": Text(
        "{model} is not among the models of this provider",
        "该供应商没有模型 {model}",
        "{nearest}choose one that is listed, or ask for access",
        "{nearest_zh}请选择列表中的模型，或申请权限",
    ),
    "model.unknown": Text(
        "no model is known that could be asked",
        "不知道可以使用哪个模型",
        "name one with --model",
        "请用 --model 指定",
    ),
    # asking
    "call.ok": Text("answered in {latency} seconds", "{latency} 秒内回答"),
    "stream.ok": Text("first words after {first} seconds", "{first} 秒后收到第一段文字"),
    "tools.ok": Text("the tool was called", "工具已被调用"),
    "tools.talk": Text(
        "{model} answered in words instead of calling the tool",
        "{model} 用文字回答，没有调用工具",
        "agents need a model that calls tools: choose another, or turn tools on in the server",
        "代理程序需要会调用工具的模型：请换一个，或在服务器端开启工具调用",
    ),
    "tools.garbled": Text(
        "{model} called the tool with arguments that are no JSON object",
        "{model} 调用工具时给出的参数不是 JSON 对象",
        "choose another model, or turn on the right tool parser in the server",
        "请换一个模型，或在服务器端启用正确的工具解析器",
    ),
    "tools.untaught": Text("the catalogue says that {model} calls no tools", "目录显示 {model} 不会调用工具"),
    # what an answer's kind of failure means (errors.Kind)
    "upstream_auth": Text(
        "the provider refuses {key}",
        "供应商拒绝了 {key}",
        "make a new key{page}, and check that it belongs to this region and account",
        "请创建新的密钥{page}，并核对它属于该地区和账户",
    ),
    "upstream_billing": Text(
        "the account has no money or quota left: {said}",
        "账户余额或配额不足：{said}",
        "top it up, or raise its limit",
        "请充值或提高限额",
    ),
    "permission": Text(
        "the key may not do this: {said}",
        "密钥没有权限：{said}",
        "give it access to the model in the provider's console",
        "请在供应商控制台为其开通该模型",
    ),
    "not_found": Text(
        "the provider knows no such model or path: {said}",
        "供应商没有此模型或路径：{said}",
        "check the model's name, and base_url ({url})",
        "请检查模型名称和 base_url（{url}）",
    ),
    "rate_limit": Text(
        "the provider limits this key at present: {said}",
        "供应商正在限制此密钥：{said}",
        "wait, or add a second key (auth.keys)",
        "请稍候，或添加第二个密钥（auth.keys）",
    ),
    "overloaded": Text("the provider is overloaded: {said}", "供应商过载：{said}", "try again later", "请稍后再试"),
    "timeout": Text(
        "no answer in time: {said}",
        "未能及时回答：{said}",
        "try again; a local model may still be loading",
        "请重试；本地模型可能仍在加载",
    ),
    "upstream_error": Text(
        "the provider failed: {said}",
        "供应商出错：{said}",
        "look at its status page, or at the server's log",
        "请查看其状态页或服务器日志",
    ),
    "upstream_connect": Text(
        "the connection failed: {said}", "连接失败：{said}", "check that the server runs", "请检查服务器是否运行"
    ),
    "upstream_protocol": Text(
        "the answer is not what this protocol says: {said}",
        "回答不符合协议：{said}",
        "check that protocol and base_url ({url}) belong together",
        "请检查 protocol 与 base_url（{url}）是否匹配",
    ),
    "upstream_empty": Text("the answer was empty", "回答为空", "try again, or another model", "请重试或换一个模型"),
    "upstream_truncated": Text(
        "the answer broke off: {said}",
        "回答中断：{said}",
        "a proxy in between may cut or hold back streams; ask its owner to leave text/event-stream alone",
        "中间的代理可能截断或缓存了流；请让其管理者不要处理 text/event-stream",
    ),
    "upstream_misconfigured": Text(
        "the address is wrong: {said}", "地址有误：{said}", "correct base_url ({url})", "请更正 base_url（{url}）"
    ),
    "unsupported_parameter": Text(
        "the provider does not take this: {said}",
        "供应商不支持：{said}",
        "name the field in the endpoint's quirks (strip or rename)",
        "请在端点的 quirks 中写明该字段（strip 或 rename）",
    ),
    "content_filter": Text(
        "the provider's filter stopped a harmless question: {said}",
        "供应商的内容过滤拦截了无害的问题：{said}",
        "loosen the filter in the provider's console",
        "请在供应商控制台放宽过滤",
    ),
    "other": Text(
        "{kind}: {said}",
        "{kind}：{said}",
        "see docs/errors.md",
        "参见 docs/zh/errors.md",
    ),
    "skipped": Text("not examined, because {because} failed", "因 {because} 失败而未检查"),
    "needless": Text("not needed", "不需要"),
    "offline": Text("needs the network", "需要网络"),
}


def cause(finding: Finding, language: str) -> str:
    """What was seen."""
    text = TEXTS[finding.code]
    return (text.cause_zh if language == "zh" else text.cause).format_map(_facts(finding, language))


def remedy(finding: Finding, language: str) -> str:
    """What to do about it; "" where nothing is to be done."""
    text = TEXTS[finding.code]
    said = (text.remedy_zh if language == "zh" else text.remedy).format_map(_facts(finding, language))
    return said[:1].upper() + said[1:] if language == "en" else said


def _facts(finding: Finding, language: str) -> dict[str, object]:
    facts: dict[str, object] = {"provider": finding.provider, **finding.facts}
    if language != "zh":
        return facts
    return {name: in_chinese(value) if isinstance(value, str) else value for name, value in facts.items()}
