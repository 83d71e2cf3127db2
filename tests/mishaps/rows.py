"""The fault matrix: 78 faults that LLM gateways meet, and which tests play those that are not played here.

Rules of this file: a fault without a play (plays.py) names the tests that cover it; test_matrix.py sees that they exist.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """en, zh: what goes wrong;  elsewhere: tests that play it, under tests/, beside those here or in their place.

    note  what else is to be said, in both languages
    """

    en: str
    zh: str
    elsewhere: tuple[str, ...] = ()
    note: tuple[str, str] = ("", "")


BOUNDS = "server/test_bounds.py"
CONTRACT = "upstream/test_contract.py"
SIMULATION = "routing/test_simulation.py"

ROWS: dict[str, Row] = {
    "F01": Row("connection refused", "连接被拒绝"),
    "F02": Row("nobody answers the dialling", "连接请求无人应答"),
    "F03": Row("name resolution fails, or is silent", "域名解析失败或无响应", ("upstream/test_names.py",)),
    "F04": Row("the name leads to somebody else", "域名指向他人"),
    "F05": Row("TLS: bad certificates, old protocol, broken handshakes", "TLS：证书错误、旧版协议、握手中断"),
    "F06": Row("the egress proxy refuses, stalls or is gone", "出口代理拒绝、卡住或不存在"),
    "F07": Row("reset of a reused idle connection", "复用的空闲连接被重置"),
    "F08": Row("reset or close before the head", "响应头之前连接被重置或关闭"),
    "F09": Row("refused in the middle of the upload", "上传途中被拒绝"),
    "F10": Row("interim answers, one or without end", "临时响应（1xx），个别或泛滥"),
    "F11": Row("no response at all", "毫无响应"),
    "F12": Row("headers dripped byte by byte", "响应头逐字节滴出"),
    "F13": Row("oversized or malformed headers", "响应头过大或格式错误", (BOUNDS,)),
    "F14": Row("no HTTP at all", "根本不是 HTTP"),
    "F15": Row("redirects", "重定向"),
    "F16": Row("our key refused", "网关的密钥被拒绝"),
    "F17": Row("no money or quota left", "余额或额度用尽"),
    "F18": Row("model gone", "模型不存在或已下线"),
    "F19": Row("408, 409, 425", "408、409、425"),
    "F20": Row("context length exceeded", "超出上下文长度"),
    "F21": Row("invalid parameter", "参数无效"),
    "F22": Row("content filter", "内容过滤"),
    "F23": Row("429 with a hint, short and long", "429，带重试提示（短与长）"),
    "F24": Row("429 without a hint", "429，无提示"),
    "F25": Row("429 that means the balance or the day's quota", "429，实为余额或当日额度用尽"),
    "F26": Row("Retry-After that is none", "无意义的 Retry-After", ("protocols/test_failures.py", SIMULATION)),
    "F27": Row("500 once", "一次 500"),
    "F28": Row("5xx for good", "持续 5xx"),
    "F29": Row("503 with a hint", "503，带提示"),
    "F30": Row("529 overloaded", "529 过载"),
    "F31": Row("an error as HTML", "HTML 形式的错误"),
    "F32": Row("HTML in a 200", "200 中的 HTML"),
    "F33": Row("an error in a 200", "200 中的错误"),
    "F34": Row("an error as a stream's first event", "流的首个事件是错误"),
    "F35": Row("an empty answer", "空回答"),
    "F36": Row("malformed JSON, wrong types, a byte order mark", "JSON 残缺、类型错误、字节序标记"),
    "F37": Row("body shorter than it said", "正文短于声明长度"),
    "F38": Row("contradicting lengths, bad chunks, bytes after the answer", "长度矛盾、分块错误、回答之后的多余字节"),
    "F39": Row("encodings that are none, are cut, or were not asked for", "编码不符、残缺或未请求"),
    "F40": Row("decompression bomb", "解压炸弹", (BOUNDS, "upstream/test_inflate.py")),
    "F41": Row("a body without end", "无尽的正文", (BOUNDS, CONTRACT)),
    "F42": Row("a body byte by byte", "正文逐字节滴出"),
    "F43": Row("the stream breaks off", "流中途断开"),
    "F44": Row("the stream ends cleanly without its end", "流干净结束但缺少终止事件"),
    "F45": Row("the stream falls silent", "流中途沉默"),
    "F46": Row("slow first token", "首个令牌缓慢"),
    "F47": Row("heartbeats for ever", "只有心跳"),
    "F48": Row("malformed event", "残缺事件"),
    "F49": Row("[DONE] missing", "缺少 [DONE]"),
    "F50": Row("events after the end", "终止之后仍有事件"),
    "F51": Row("id and model change in the middle", "中途更换 id 与模型"),
    "F52": Row("every byte alone, characters split", "逐字节到达，字符被拆开", ("laws/test_streams.py",)),
    "F53": Row("CRLF, comments, byte order mark", "CRLF、注释、字节序标记", ("wire/test_sse.py",)),
    "F54": Row("text full of the stream's own syntax", "文本中充满流自身的语法"),
    "F55": Row("an error in the middle of a stream", "流中途的错误事件"),
    "F56": Row("no finish reason", "缺少结束原因"),
    "F57": Row("usage that is none", "无效的用量", ("laws/test_streams.py",)),
    "F58": Row("the connection stays open after the end", "终止之后连接不关闭"),
    "F59": Row("an answer without end", "无尽的回答"),
    "F60": Row(
        "a whole answer for a stream, a stream for a whole one; HTTP/2's faults; a window that stays shut",
        "以整体代流、以流代整体；HTTP/2 的故障；始终关闭的窗口",
        ("upstream/test_reqwest.py", "server/test_memory.py"),
    ),
    "F61": Row("trailers with an error", "尾部字段带错误", (CONTRACT,)),
    "F62": Row("the client leaves", "客户端离开", ("server/test_leaving.py", CONTRACT, SIMULATION)),
    "F63": Row(
        "a slow or half-closed client, a provider that stops taking the request",
        "客户端缓慢或半关闭，上游停止接收请求",
        ("server/test_back_pressure.py", "server/test_memory.py", CONTRACT),
    ),
    "F64": Row(
        "the client's body is slow, short, too large", "客户端正文缓慢、过短或过大", ("server/test_slow_input.py",)
    ),
    "F65": Row("the same request twice", "同一请求重复提交", ("server/test_idempotency.py", "engine/test_sharing.py")),
    "F66": Row("a login's token expires", "登录令牌过期", ("routing/test_logins.py", "auth/test_keeper.py")),
    "F67": Row("the refresh fails, or races", "刷新失败或竞争", ("auth/test_processes.py", "auth/test_rotation.py")),
    "F68": Row("token file cut, corrupt, readable by all", "令牌文件残缺、损坏或可被他人读取", ("auth/test_kept.py",)),
    "F69": Row("clock skew", "时钟偏差", ("auth/test_kept.py",)),
    "F70": Row(
        "disk full, I/O errors, corrupt ledger",
        "磁盘写满、I/O 错误、账本损坏",
        ("ledger/test_faults.py", "ledger/test_recovery.py"),
    ),
    "F71": Row("no file descriptors left", "文件描述符耗尽", ("mishaps/test_scarcity.py",)),
    "F72": Row("memory pressure", "内存压力", ("server/test_memory.py", "server/test_back_pressure.py")),
    "F73": Row("a very large prompt", "超大提示", ("mishaps/test_scarcity.py",)),
    "F74": Row(
        "kill -9, SIGTERM", "kill -9、SIGTERM", ("server/test_killed.py", "server/test_stop.py", "ledger/test_crash.py")
    ),
    "F75": Row("a bad configuration on reload", "重载时配置有误", ("server/test_follow.py",)),
    "F76": Row("an external store fails", "外部存储故障", (), ("there is none", "没有外部存储")),
    "F77": Row("a flapping endpoint", "反复起落的端点", (SIMULATION, "mishaps/test_scenarios.py")),
    "F78": Row("everybody is down", "全部宕机", (SIMULATION, "mishaps/test_outage.py")),
}
