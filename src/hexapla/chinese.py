"""What errors say, in Chinese.

An error is made once, in English, where it is found, by whoever knows what is wrong; who shows it to a person may say the
same in Chinese.  So the sentences stand here in a table like gettext's, the English ones as they stand in the source, with
`{}` where a value is put in, and no code that raises an error needs to know of languages.  A sentence that is not in the
table is shown as it is.

Rules of this file: pure; of the rows that fit a sentence the longest wins; a value is looked up as well, since many are
sentences; `tests/test_chinese.py` holds each row to a sentence of the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

Rows = tuple[tuple[str, str], ...]

LONGEST = 1000  # characters of a sentence: longer ones are a provider's own, and patterns need time for them

SENTENCES: Rows = (
    # names of models, providers, profiles
    (
        "The model {} is not known.{} A model is named provider/model; GET /v1/models lists them.",
        "没有名为 {0} 的模型。{1}模型的名称为 供应商/模型，GET /v1/models 会列出全部。",
    ),
    (" Nearest: {}.", "最接近的是：{0}。"),
    ("{} cannot serve this request: {}.", "{0} 无法处理此请求：{1}。"),
    ("none of its endpoints serves {}", "它没有提供 {0} 的接口"),
    ("There is no provider {}.", "没有名为 {0} 的供应商。"),
    ("There is no provider {}. Logins exist for: {}.", "没有名为 {0} 的供应商。可以登录的有：{1}。"),
    ("There is no profile {} here; there are: {}.", "这里没有配置档 {0}；现有：{1}。"),
    ("There is no profile {}.", "没有配置档 {0}。"),
    (
        "There is no preset {} here; there are: {}. Presets are [presets.NAME] tables.",
        "这里没有预设 {0}；现有：{1}。预设即 [presets.名称] 表。",
    ),
    ("No endpoint can serve this request.", "没有可以处理此请求的供应商接口。"),
    (
        "No provider of {} fits the request's wishes. {}. Loosen `provider`, or name further models.",
        "{0} 的供应商中没有一家符合此请求的要求。{1}。请放宽 provider 的条件，或再指定其他模型。",
    ),
    (
        (
            "The target cannot carry the whole request ({}). Drop these fields, choose another model, or allow losses "
            "(x-hexapla-on-loss: allow)."
        ),
        "目标无法承载整个请求（{0}）。请去掉这些字段、换一个模型，或允许损失（x-hexapla-on-loss: allow）。",
    ),
    ("{} may store prompts and train on them", "{0} 可能保存提示词并用于训练"),
    ("{} keeps prompts", "{0} 会保存提示词"),
    ("it answers with at most {} tokens, and {} are asked for", "它最多回答 {0} 个 token，而请求要 {1} 个"),
    ("it is not free", "它不免费"),
    ("its quantization is {}", "它的量化为 {0}"),
    ("it knows no tools", "它不支持工具"),
    ("it does not keep to a JSON schema", "它不遵守 JSON schema"),
    ("its {} price is {} USD, above {}", "它的 {0} 价格为 {1} USD，高于 {2}"),
    # keys and logins
    ("{} needs a key: set {}{}.{}", "{0} 需要密钥：请设置 {1}{2}。{3}"),
    (" Get one at {}.", "获取密钥：{0}"),
    (", or {}", "，或{0}"),
    (", or set {}", "，或设置 {0}"),
    ("run `hexapla login {}`", "运行 `hexapla login {0}`"),
    (
        "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
        "运行 `gcloud auth application-default login`，或设置 GOOGLE_APPLICATION_CREDENTIALS",
    ),
    ("{} wants a login: {}{}.", "{0} 需要登录：{1}{2}。"),
    ("The key of {} ({}) holds characters that no header takes.", "{0} 的密钥（{1}）含有不能放入请求头的字符。"),
    ("The login of {} has ended{}: {}.", "{0} 的登录已失效{1}：{2}。"),
    ("The login was not completed{}.", "登录未完成{0}。"),
    ("Nobody came back from the browser; log in again.", "浏览器没有返回结果，请重新登录。"),
    ("The code has expired before anybody used it; log in again.", "验证码在使用之前已过期，请重新登录。"),
    (
        "No API key was sent. Put a key of this gateway into `Authorization: Bearer` or `x-api-key`.",
        "没有收到 API 密钥。请把本网关的密钥放在 `Authorization: Bearer` 或 `x-api-key` 中。",
    ),
    ("The API key is not known to this gateway.", "本网关不认识这个 API 密钥。"),
    (
        "Web pages of other sites may not use {} Or name this one's origin in server.cors_origins.",
        "其他网站的网页不得使用{0}或把该网页的来源写入 server.cors_origins。",
    ),
    (
        (
            "Anybody could lead the name {} here for a web page. Ask 127.0.0.1, or add the name to "
            "server.hosts in hexapla.toml. Pages of other sites may not use {}"
        ),
        (
            "任何人都可以让网页的名称 {0} 指向这里。请使用 127.0.0.1，或把该名称加入 hexapla.toml 的 server.hosts。"
            "其他网站的网页不得使用{1}"
        ),
    ),
    (
        "a gateway that asks for no key. Add [[keys]] to hexapla.toml and send one of them.",
        "不要求密钥的网关。请在 hexapla.toml 中加入 [[keys]] 并发送其中之一。",
    ),
    # the body of a request
    ("The request body is empty; send a JSON object.", "请求体为空，请发送 JSON 对象。"),
    ("The request body is not valid JSON: {}.", "请求体不是有效的 JSON：{0}。"),
    ("The request body is not valid JSON.", "请求体不是有效的 JSON。"),
    ("The request body must be a JSON object ({}).", "请求体必须是 JSON 对象（{0}）。"),
    ("The request body is not UTF-8 (byte {}).{}", "请求体不是 UTF-8（第 {0} 字节）。{1}"),
    (" It is compressed, which is not taken here.", "它是压缩过的，这里不接受压缩的请求体。"),
    (
        "The request body is larger than {} bytes. Send less, or raise limits.body_bytes in hexapla.toml.",
        "请求体超过 {0} 字节。请减小请求，或在 hexapla.toml 中调高 limits.body_bytes。",
    ),
    ("The request body did not arrive within {} seconds; send it in one go.", "请求体未在 {0} 秒内到达，请一次发完。"),
    ("a model's name has at most {} characters", "模型名称最多 {0} 个字符"),
    ("models: at most {} entries are allowed", "models：最多 {0} 项"),
    ("fallbacks{}: {}", "备用模型 fallbacks{0}：{1}"),
    ("fallbacks: at most {} entries are allowed", "fallbacks：最多 {0} 项"),
    ("fallbacks must be a list of objects with a model each", "fallbacks 必须是列表，每一项是带 model 的对象"),
    ("fallbacks cannot stand beside models; send one of them", "fallbacks 不能与 models 并用，请只发送其一"),
    ("{} is named before, and is asked once", "{0} 前面已经写过，只会请求一次"),
    ("only a Messages request may say more than a model here", "只有 Messages 请求可以在此写 model 以外的内容"),
    ("messages: at least one message is required", "messages：至少需要一条消息"),
    ("contents: at least one content is required", "contents：至少需要一项内容"),
    ("{}: at least one item is required", "{0}：至少需要一项"),
    ("{}: every item must be an object", "{0}：每一项都必须是对象"),
    ("{} must be a list", "{0} 必须是列表"),
    ("{} must not be empty", "{0} 不能为空"),
    ("{} must be a non-empty string", "{0} 必须是非空字符串"),
    ("{} must be true or false", "{0} 必须是 true 或 false"),
    ("{} must be true or false.", "{0} 必须是 true 或 false。"),
    ("{} is required", "{0} 为必填项"),
    ("{}: {} is not known here", "{0}：这里不认识 {1}"),
    ("{} is no role; use one of {}", "{0} 不是有效的角色，可用：{1}"),
    ("{} is no role; use user, assistant or system", "{0} 不是有效的角色，可用：user、assistant、system"),
    ("{} is no role; use user or model", "{0} 不是有效的角色，可用：user、model"),
    ("tool_result blocks can only stand in user messages", "tool_result 块只能出现在 user 消息中"),
    (
        (
            "The tool result for {} has no matching tool call earlier in the conversation; "
            "send the assistant turn that made the call, with the same id."
        ),
        "工具结果 {0} 在此前的对话中没有对应的工具调用；请发送发起该调用的 assistant 消息，并使用相同的 id。",
    ),
    (
        "Two tool calls of one assistant turn share the id {}; give each call its own id.",
        "同一条 assistant 消息中有两个工具调用使用了 id {0}；请为每个调用使用不同的 id。",
    ),
    (
        "Two results of one turn answer the same tool call {}; send one result for each call.",
        "同一轮中有两个结果回答了同一个工具调用 {0}；每个调用只发送一个结果。",
    ),
    ("the image is not valid base64", "图片不是有效的 base64"),
    ("the image says {}, but its bytes are {}", "图片声明为 {0}，但其内容是 {1}"),
    ("the bytes are not a {} image", "其内容不是 {0} 图片"),
    ("the image must be an http(s) URL or a base64 data: URL", "图片必须是 http(s) 网址或 base64 的 data: 网址"),
    ("x-hexapla-on-loss must be allow, warn or strict.", "x-hexapla-on-loss 必须是 allow、warn 或 strict。"),
    ("{}{} must be {}", "{0}{1} 必须是{2}"),
    # the gateway
    ("The gateway is shutting down; ask again in a moment.", "网关正在关闭，请稍后再试。"),
    (
        "The gateway has no memory left for this request; ask again in a moment (limits.memory_bytes).",
        "网关没有足够的内存处理此请求，请稍后再试（limits.memory_bytes）。",
    ),
    ("The gateway met an unexpected error; its log tells more.", "网关发生意外错误，详情见其日志。"),
    ("{} {} here. Generation endpoints are POST {}.", "这里{1} {0}。生成接口为 POST {2}。"),
    ("does not exist", "不存在"),
    ("does not take {}", "不接受以 {0} 访问"),
    ("There is no generation {}.", "没有编号为 {0} 的请求记录。"),
    ("{} is not built into this version of the gateway, which serves {}.", "本版本的网关不含 {0}，提供的接口有：{1}。"),
    (
        "This Idempotency-Key was used for another request; use a new key for every new request.",
        "此 Idempotency-Key 已用于另一个请求，每个新请求请使用新的键。",
    ),
    # whoever was asked
    ("The model declined to answer.", "模型拒绝作答。"),
    ("The provider did not answer in time.", "供应商没有及时回答。"),
    ("The provider answered with an empty body.", "供应商的回答为空。"),
    (
        "The provider answered with a redirect ({}), which is never followed; correct its URL.",
        "供应商返回了重定向（{0}），网关从不跟随；请更正其网址。",
    ),
    ("The provider answered with a web page: {}", "供应商返回了网页：{0}"),
    ("The provider answered with a web page.", "供应商返回了网页。"),
    ("The provider failed {} and said no more.", "供应商{0}失败，没有说明原因。"),
    ("in its answer", "在回答中"),
    ("with status {}", "以状态码 {0}"),
    ("The provider's answer is not {}: {}", "供应商的回答不符合 {0}：{1}"),
    ("The provider closed the connection before its answer was complete.", "供应商在回答完成之前关闭了连接。"),
    ("The provider failed repeatedly.", "供应商连续失败。"),
    # a stream that breaks
    ("The provider's stream ended before the answer was complete.", "供应商的流在回答完成之前结束了。"),
    ("The stream ended before the answer was complete.", "流在回答完成之前结束了。"),
    ("The provider's stream held no answer.", "供应商的流中没有回答。"),
    ("The provider's stream holds an event that cannot be read.", "供应商的流中有无法读取的事件。"),
    ("an event of the stream is longer than {} bytes", "流中有一个事件超过 {0} 字节"),
    ("The provider ended the answer with {}.", "供应商以 {0} 结束了回答。"),
    (
        "The model still called tools after {} rounds; raise max_iterations.",
        "{0} 轮之后模型仍在调用工具；请调高 max_iterations。",
    ),
    ("{} It said: {}", "{0} 它的回答是：{1}"),
    (
        "The limit of {} is reached; its queue is longer than this gateway waits.",
        "已达到 {0} 的限额，排队时间超过网关等待的时间。",
    ),
    ("{} closed the connection without an answer.", "{0} 没有回答就关闭了连接。"),
    ("{} could not be reached within {} seconds.", "{1} 秒内无法连接 {0}。"),
    ("The name {} cannot be resolved: {}.", "无法解析域名 {0}：{1}。"),
    ("The proxy {} cannot be reached: {}.", "无法连接代理 {0}：{1}。"),
    ("The proxy {} refused the connection ({}).", "代理 {0} 拒绝了连接（{1}）。"),
    ("The proxy {} did not connect to {}: {}.", "代理 {0} 没有连接到 {1}：{2}。"),
    ("The proxy {} does not speak SOCKS5.", "代理 {0} 不使用 SOCKS5 协议。"),
    ("The proxy {} refused the login that its URL holds.", "代理 {0} 拒绝了其网址中的用户名和密码。"),
    ("The proxy {} wants another login than its URL holds.", "代理 {0} 要求的登录方式与其网址中的不同。"),
    ("{} cannot be reached: {}.", "无法连接 {0}：{1}。"),
    ("it is no name that could exist", "这不可能是域名"),
    (
        "The proxy's URL cannot be read; it has the form http://host:port.",
        "无法读取代理的网址；应写作 http://主机:端口。",
    ),
    ("TLS with {} failed: {}.", "与 {0} 的 TLS 连接失败：{1}。"),
    # the configuration
    ("this configuration file does not exist", "此配置文件不存在"),
    ("The configuration cannot be read: {}.", "无法读取配置：{0}。"),
    ("This is not valid TOML: {}.", "这不是有效的 TOML：{0}。"),
    ("This is not valid JSON: {}.", "这不是有效的 JSON：{0}。"),
    ("This is not valid YAML: {}.", "这不是有效的 YAML：{0}。"),
    ("There is no key {} here.", "这里没有名为 {0} 的设置。"),
    ("{} cannot be {}; it is one of {}.", "{0} 不能是 {1}，可用：{2}。"),
    ("{} stands here a second time.", "{0} 在这里重复出现。"),
    ("{} is wrong.", "{0} 有误。"),
    ("The environment variable {} is {}.", "环境变量 {0} {1}。"),
    ("not set", "未设置"),
    ("empty", "为空"),
    ("The client key {} is empty.", "客户端密钥 {0} 为空。"),
    (
        (
            "Listening on {} without keys would open every provider to the network. "
            "Add [[keys]] to hexapla.toml, or listen on 127.0.0.1."
        ),
        "没有密钥就监听 {0}，会把所有供应商暴露给网络。请在 hexapla.toml 中加入 [[keys]]，或监听 127.0.0.1。",
    ),
    (
        '{} is no origin of web pages: a scheme and a host, as https://chat.example.com, or "*" for all.',
        '{0} 不是网页的来源：应为协议和主机，例如 https://chat.example.com，或以 "*" 表示全部。',
    ),
    (
        "Every web page could spend what your providers are paid. Name the pages' origins, or add [[keys]].",
        "任何网页都可以花费您付给供应商的钱。请写明网页的来源，或加入 [[keys]]。",
    ),
    ("{} is no port; ports go from 0 (any free one) to {}.", "{0} 不是端口，端口从 0（任意空闲端口）到 {1}。"),
    (
        "Port {} of {} is in use by another process; choose another with --port, or 0 for any.",
        "{1} 的端口 {0} 已被其他进程占用；请用 --port 换一个，0 表示任意空闲端口。",
    ),
    ("The host {} is no address of this machine ({}).", "主机 {0} 不是本机的地址（{1}）。"),
    ("{}:{} cannot be listened on: {}.", "无法监听 {0}:{1}：{2}。"),
    # files and programs
    ("The image {} cannot be read: {}.", "无法读取图片 {0}：{1}。"),
    ("The image is not a PNG, JPEG, GIF or WebP file.", "图片不是 PNG、JPEG、GIF 或 WebP 文件。"),
    ("This file cannot be read: {}.", "无法读取此文件：{0}。"),
    ("This file cannot be written: {}.", "无法写入此文件：{0}。"),
    ("{} cannot be written: {}.", "无法写入 {0}：{1}。"),
    ("{} is not installed: no program `{}` in PATH. Try: {}", "未安装 {0}：PATH 中没有程序 `{1}`。可以试试：{2}"),
    ("Nothing was written here, so there is nothing to take back.", "这里没有写入过任何内容，无可撤销。"),
    ("This is none of the tables that can be merged ({}).", "这不是可以合并的数据表（{0}）。"),
    (
        "This is no configuration that is known here; say whose it is with --from (claudex, ccr or litellm).",
        "这不是已知的配置；请用 --from 说明属于哪个程序（claudex、ccr 或 litellm）。",
    ),
    ("This is no configuration: its top level is no table.", "这不是配置：它的最外层不是表。"),
    ("The ledger cannot be kept at {}: {}.", "账本无法保存在 {0}：{1}。"),
    ("a string", "字符串"),
    ("an integer", "整数"),
    ("a number", "数字"),
    ("a list", "列表"),
    ("an object", "对象"),
    ("true or false", "true 或 false"),
    (": every item", "：每一项"),
    ("must be a string", "必须是字符串"),
)
"""English, as the source has it, and Chinese."""

FOREIGN: Rows = (
    ("{} Did you mean {}?", "{0}是否想写 {1}？"),
    ("{} - at {}", "{0}（位于 {1}）"),
    ("{}, or run `hexapla login {}`", "{0}，或运行 `hexapla login {1}`"),
    ("{}, or set {}", "{0}，或设置 {1}"),
    ("{} is in provider.ignore", "{0} 在 provider.ignore 之中"),
    ("{} is not among provider.only", "{0} 不在 provider.only 之中"),
    ("{} is not in provider.order, and fallbacks are not allowed", "{0} 不在 provider.order 之中，且不允许备用"),
    ("Expected `{}`, got `{}`", "应为 `{0}`，实为 `{1}`"),
    ("Object missing required field `{}`", "对象缺少必填字段 `{0}`"),
    ("No such file or directory", "没有那个文件或目录"),
    ("Is a directory", "是一个目录"),
    ("Permission denied", "权限不够"),
    ("Connection refused", "连接被拒绝"),
    ("Address already in use", "地址已在使用"),
    ("Name or service not known", "未知的名称或服务"),
    ("No space left on device", "设备上没有空间"),
    ("[Errno {}] {}", "{1}"),
)
"""Words that are put together elsewhere, of msgspec or of the system."""


def translator(rows: Rows) -> Callable[[str], str]:
    """What says a sentence of `rows` in the other language, its values included."""

    @cache  # patterns are made when the first sentence is said
    def known() -> list[tuple[str, re.Pattern[str], str]]:
        most_said_first = sorted(rows, key=lambda row: -len(row[0]))
        return [(max(here.split("{}"), key=len), _pattern(here), there) for here, there in most_said_first]

    def translated(text: str) -> str:
        for piece, pattern, there in known() if len(text) <= LONGEST else ():
            if piece in text and (found := pattern.fullmatch(text)):
                return there.format(*map(translated, found.groups()))
        return text

    return translated


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(map(re.escape, sentence.split("{}"))), re.DOTALL)


in_chinese = translator((*FOREIGN, *SENTENCES))
"""A sentence in Chinese, as far as it is known here."""
