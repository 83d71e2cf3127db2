"""Every word that the command line says, in English and Chinese.

The language follows $HEXAPLA_LANG, else $LC_ALL, $LC_MESSAGES, $LANG.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Language = str

WORDS: dict[str, tuple[str, str]] = {
    "about": (
        "One door to every LLM provider: gateway, library and command line.",
        "通往所有大模型供应商的一扇门：网关、程序库与命令行。",
    ),
    "arguments": ("arguments", "参数"),
    "options": ("options", "选项"),
    "help": ("show this help and exit", "显示本帮助并退出"),
    "version": ("show the version and exit", "显示版本号并退出"),
    "serve": ("run the gateway", "运行网关"),
    "chat": ("ask a model, or talk with it", "向模型提问，或与它对话"),
    "models": ("list models: context, prices, capabilities", "列出模型：上下文、价格、能力"),
    "providers": (
        "list providers: protocols, login, whether a key is found",
        "列出供应商：协议、登录方式、是否已有密钥",
    ),
    "explain": (
        "show what would be sent where, in which lane, with which losses; sends nothing",
        "说明请求会发往何处、走哪条通道、损失什么；不会真的发送",
    ),
    "profiles": ("list profiles: models, slots, backups", "列出配置档：模型、槽位、备用"),
    "run": (
        "start claude, codex, gemini, opencode or aider on a model of your choice; its own arguments stand behind `--`",
        "用你选的模型启动 claude、codex、gemini、opencode 或 aider；它自己的参数写在 `--` 之后",
    ),
    "connect": (
        "show, write or take back the configuration that points a program at this gateway for good",
        "显示、写入或撤销让某个程序长期使用本网关的配置",
    ),
    "usage": ("what was used and what it cost", "用量与费用"),
    "logout": ("end a login that is kept here", "退出保存在本机的登录"),
    "login-provider": ("whose login", "要登录的供应商"),
    "headless": (
        "no browser on this machine: type a code elsewhere, or paste the address that the browser ends at",
        "本机没有浏览器：在别处输入验证码，或粘贴浏览器最后到达的网址",
    ),
    "enterprise-url": ("the address of an instance of one's own", "自建实例的网址"),
    "login-code": ("Open {url} and type the code {code}", "请打开 {url} 并输入验证码 {code}"),
    "login-browser": ("Opening {url}\nWaiting for the browser to come back ...", "正在打开 {url}\n等待浏览器返回……"),
    "login-paste": (
        "Open {url}\nWhen the browser has come to an address that it cannot open, paste that address here, or the code:",
        "请打开 {url}\n浏览器最后会到达一个打不开的网址，请把该网址或其中的授权码粘贴到这里：",
    ),
    "login-experimental": (
        "{provider}: not a documented interface. Use it with your own account only, at your own risk.",
        "{provider}：此接口没有公开文档。请仅用于自己的账号，风险自负。",
    ),
    "logged-in": ("Logged in to {provider}. The login is kept in {path}", "已登录 {provider}，登录信息保存在 {path}"),
    "logged-out-none": ("{provider}: there is no login here.", "{provider}：本机没有登录。"),
    "logged-out-removed": ("Logged out of {provider}.", "已退出 {provider}。"),
    "logged-out-revoked": ("Logged out of {provider}, and the vendor was told.", "已退出 {provider}，并已通知供应商。"),
    "logged-out-shared": (
        "{path} was shared with the vendor's own program, which is logged out as well.",
        "{path} 与供应商自己的程序共用，该程序也已退出登录。",
    ),
    "auth": ("how the keys and logins stand: source, expiry, quota", "查看密钥与登录的状态：来源、有效期、余量"),
    "auth-action": ("status: list every key and login that was found", "status：列出找到的所有密钥与登录"),
    "auth-offline": ("ask neither a running gateway nor the vendors", "不询问正在运行的网关，也不询问供应商"),
    "auth-none": (
        "No key or login was found. Set a key (hexapla providers lists the variables) or run `hexapla login PROVIDER`.",
        "没有找到密钥或登录。请设置密钥（hexapla providers 会列出变量名），或运行 `hexapla login 供应商`。",
    ),
    "auth-source": ("source", "来源"),
    "auth-expires": ("expires", "有效期"),
    "auth-state": ("state", "状态"),
    "auth-quota": ("quota", "余量"),
    "auth-over": ("over", "已过期"),
    "auth-in": ("in {time}", "{time} 后"),
    "auth-renews": ("renews itself", "自动续期"),
    "auth-ended": ("ended: run `hexapla login {provider}`", "已失效：请运行 `hexapla login {provider}`"),
    "auth-benched": ("sits out: {why}", "暂停使用：{why}"),
    "auth-plays": ("in use", "可用"),
    "catalog": (
        "how old the table of models is; update: fetch what the public tables say now",
        "查看模型总表的日期；update：按公开数据更新",
    ),
    "commands": ("commands", "命令"),
    "doctor": (
        "find out why a provider does not answer: key, address, DNS, TLS, clock, models, call, stream, tools",
        "诊断供应商为何不可用：密钥、地址、DNS、TLS、时钟、模型、调用、流式、工具",
    ),
    "doctor-provider": (
        "whom to examine (default: whoever is configured or has a key)",
        "要诊断的供应商（默认：已配置或有密钥的）",
    ),
    "doctor-model": ("the model to ask (default: a cheap one)", "用于提问的模型（默认选便宜的）"),
    "offline": ("check the configuration only; nothing is sent", "只检查配置，不发送任何请求"),
    "doctor-nobody": (
        "Nobody to examine: no provider is configured and no key was found. Try `hexapla doctor PROVIDER`.",
        "没有可诊断的供应商：未配置供应商，也没有找到密钥。可以试试 `hexapla doctor 供应商`。",
    ),
    "doctor-well": ("Everything is well.", "一切正常。"),
    "check-key": ("key", "密钥"),
    "check-address": ("address", "地址"),
    "check-proxy": ("proxy", "代理"),
    "check-dns": ("DNS", "DNS"),
    "check-tls": ("TLS", "TLS"),
    "check-clock": ("clock", "时钟"),
    "check-models": ("models", "列表"),
    "check-model": ("model", "模型"),
    "check-call": ("call", "调用"),
    "check-stream": ("stream", "流式"),
    "check-tools": ("tools", "工具"),
    "import": (
        "turn a configuration of Claudex, claude-code-router or LiteLLM into a hexapla.toml",
        "把 Claudex、claude-code-router 或 LiteLLM 的配置转换为 hexapla.toml",
    ),
    "import-file": ("the other program's configuration", "另一程序的配置文件"),
    "import-from": ("whose it is (default: told from what is in it)", "属于哪个程序（默认按内容判断）"),
    "import-write": (
        "write the result there instead of printing it; never over a file",
        "将结果写入此文件而不是打印；不会覆盖已有文件",
    ),
    "keep-secrets": (
        "keep keys in the file that --write makes (default: refer to variables)",
        "在 --write 写出的文件中保留密钥（默认改为引用环境变量）",
    ),
    "import-keeps": (
        "Keys are never printed: --keep-secrets needs --write.",
        "密钥绝不打印：--keep-secrets 需要 --write。",
    ),
    "import-exists": ("{path} exists already; choose another name.", "{path} 已存在，请换一个名称。"),
    "import-unwritable": ("{path} cannot be written: {why}.", "无法写入 {path}：{why}。"),
    "import-done": (
        "{carried} carried over, {changed} in another way, {left} left out, {you} for you to do.",
        "{carried} 项照搬，{changed} 项变通，{left} 项未导入，{you} 项需要你处理。",
    ),
    "import-secrets": (
        "Keys are not copied: set {names} (in the environment or `.env`), or use --keep-secrets.",
        "未复制密钥：请设置 {names}（环境变量或 `.env`），或使用 --keep-secrets。",
    ),
    "config": ("check the configuration, show what is in force, or where it is", "检查配置、显示生效的配置或其位置"),
    "config-action": (
        "check: is it right; show: all settings in force, secrets masked; path: which files were read",
        "check：检查是否正确；show：显示所有生效设置（密钥已遮盖）；path：显示读取了哪些文件",
    ),
    "config-right": ("{file}: right.", "{file}：无误。"),
    "config-none": ("no configuration file (none is needed)", "没有配置文件（也不需要）"),
    "config-file": (
        "configuration file (default: hexapla.toml here or above, then the home)",
        "配置文件（默认：当前目录及上级的 hexapla.toml，然后是主目录）",
    ),
    "json": ("print JSON", "输出 JSON"),
    "run-json": (
        "what is started, as JSON on standard error; standard output is the program's",
        "以 JSON 在标准错误输出启动了什么；标准输出属于该程序",
    ),
    "login-json": (
        "one line of JSON for each step: what to open, which code to type, where the login is kept",
        "每一步输出一行 JSON：打开什么网址、输入什么验证码、登录信息保存在哪里",
    ),
    "usage-line": ("usage: ", "用法："),
    "host": ("address to listen on (default 127.0.0.1)", "监听地址（默认 127.0.0.1）"),
    "port": ("port to listen on (default 6336)", "监听端口（默认 6336）"),
    "prompt": (
        "what to say; without it, a conversation starts; `-` reads standard input",
        "要说的话；省略则进入对话；`-` 从标准输入读取",
    ),
    "model": ("provider/model, a catalogue name, an alias or a scenario", "供应商/模型、目录名、别名或场景名"),
    "system": ("system prompt", "系统提示词"),
    "image": ("an image: path or URL", "图片：路径或网址"),
    "fallback": ("a model to try next (may be repeated)", "备用模型（可重复）"),
    "reasoning": ("how much to think: none, low, medium, high", "思考强度：none、low、medium、high"),
    "max-tokens": ("limit of the answer in tokens", "回答的 token 上限"),
    "temperature": ("sampling temperature", "采样温度"),
    "filter": ("show only names that contain this", "只显示名称包含此文字的条目"),
    "at-provider": ("only at this provider (may be repeated)", "只看这个供应商（可重复）"),
    "of-kind": ("only models for this purpose", "只看这种用途的模型"),
    "able": (
        "only models that can do this: tools, reasoning, vision, json_schema, cache, web_search (may be repeated)",
        "只看有此能力的模型：tools、reasoning、vision、json_schema、cache、web_search（可重复）",
    ),
    "least-context": ("only models that read at least so many tokens", "只看上下文不小于此数的模型"),
    "most-price": (
        "only models whose input costs at most so much per million tokens",
        "只看每百万输入 token 价格不超过此数的模型",
    ),
    "in-currency": ("only models that are billed in this currency", "只看以此币种计费的模型"),
    "only-free": ("only models that cost nothing", "只看免费模型"),
    "sort": ("order of the list (default: name)", "排序方式（默认按名称）"),
    "all-providers": ("also models of providers without a key", "也列出没有密钥的供应商的模型"),
    "old-models": ("also models that are no longer sold", "也列出已下线的模型"),
    "by-protocol": ("only providers that speak this protocol", "只看支持此协议的供应商"),
    "only-ready": ("only providers that can be asked now", "只看现在可用的供应商"),
    "catalog-action": ("status or update (default: status)", "status 或 update（默认 status）"),
    "catalog-check": ("show what would change, write nothing", "只显示变化，不写入"),
    "catalog-from": (
        "read these files instead of fetching: packages (.whl), their tables, or a finished models.table",
        "不下载，改读这些文件：软件包（.whl）、其中的数据表，或现成的 models.table",
    ),
    "catalog-large": ("fetch LiteLLM's package too (44 MB)", "同时下载 LiteLLM 的软件包（44 MB）"),
    "catalog-is": (
        "{models} models of {providers} providers, as of {made}",
        "共 {models} 个模型、{providers} 家供应商，数据日期 {made}",
    ),
    "catalog-fetching": ("Asking the package index ...", "正在查询软件包索引……"),
    "catalog-same": ("Nothing is new; {models} models.", "没有变化，共 {models} 个模型。"),
    "catalog-changes": (
        "{models} models: {added} new, {removed} gone, {changed} changed, {prices} of them in price",
        "共 {models} 个模型：新增 {added}，移除 {removed}，变动 {changed}（其中价格 {prices}）",
    ),
    "catalog-written": ("Written; new processes use it.", "已写入；新启动的进程将使用它。"),
    "catalog-checked": ("Nothing was written.", "没有写入任何内容。"),
    "unknown-format": (
        "The format of {names} is not the one that is known here ({why}).",
        "{names} 的格式与本程序所知的不同（{why}）。",
    ),
    "no-table": ("There is no table of models here.", "这里没有模型总表。"),
    "file": ("a request body as JSON; `-` reads standard input", "JSON 请求体文件；`-` 从标准输入读取"),
    "dialect": ("the file's dialect (default: told from its fields)", "文件所用协议（默认按字段判断）"),
    "by": ("group by", "分组方式"),
    "days": ("look back this many days (default 30)", "回看天数（默认 30）"),
    "recent": ("list the last requests instead", "改为列出最近的请求"),
    "tool": ("the program", "程序"),
    "profile": (
        "a profile of hexapla.toml; `claude` is Claude Code's own login",
        "hexapla.toml 中的配置档；claude 即 Claude Code 自己的登录",
    ),
    "url": (
        "a gateway that runs elsewhere (its key is taken from $HEXAPLA_KEY)",
        "别处正在运行的网关（密钥取自 $HEXAPLA_KEY）",
    ),
    "write": ("change the program's files; what stood there is kept", "修改该程序的文件；原内容会保留备份"),
    "undo": ("take back what was written", "撤销写入的内容"),
    "wait": (
        "wait for the program's first request as proof (300 seconds unless told otherwise)",
        "等待该程序的第一个请求作为证明（默认 300 秒）",
    ),
    "no-change": ("Nothing has to be changed.", "无需更改。"),
    "not-written": ("Nothing was written. `--write` changes the files.", "尚未写入。加 --write 才会修改文件。"),
    "written": (
        "Written. What stood there is kept in {folder}; `--undo` takes it back.",
        "已写入。原内容保存在 {folder}；--undo 可撤销。",
    ),
    "undone": ("{file} is as it was.", "{file} 已恢复原样。"),
    "undone-partly": (
        "{file}: what we wrote is taken back; what was changed since stays.",
        "{file}：我们写入的已撤销；此后的改动保留。",
    ),
    "export": (
        "{tool} reads the key from the environment: export {variable}=<key of the gateway>",
        "{tool} 从环境变量读取密钥：export {variable}=<网关密钥>",
    ),
    "no-gateway-yet": (
        "No gateway answers at {url}: start one with `hexapla serve`.",
        "{url} 上没有网关应答：请用 hexapla serve 启动。",
    ),
    "housed": (
        "No gateway answers at {url}, so one runs here while we wait.",
        "{url} 上没有网关应答，等待期间在此运行一个。",
    ),
    "waiting": (
        "Waiting for a request of {tool}. Start it in another terminal and say something.",
        "正在等待 {tool} 的请求。请在另一个终端启动它并说句话。",
    ),
    "heard": (
        "{tool} asked for {requested}; {model} answered ({outcome}, {seconds:.1f} s).",
        "{tool} 请求了 {requested}；由 {model} 回答（{outcome}，{seconds:.1f} 秒）。",
    ),
    "not-heard": ("No request of {tool} came within {seconds:.0f} s.", "{seconds:.0f} 秒内没有收到 {tool} 的请求。"),
    "wait-here-only": (
        "--wait sees requests of a gateway on this machine only, whose ledger is a file.",
        "--wait 只能看到本机、且账本为文件的网关收到的请求。",
    ),
    "started": ("{tool} on {model} through {url}", "{tool} 使用 {model}，经由 {url}"),
    "own-login": ("{tool} with its own login, not through Hexapla", "{tool} 使用自己的登录，不经过 Hexapla"),
    "main-model": ("model", "模型"),
    "profile-name": ("profile", "配置档"),
    "backups": ("backups", "备用"),
    "own-names": ("its own choice of model", "它自选的模型"),
    "gateway-unaware": (
        "The gateway at {url} does not know the profile {profile} (or cannot serve it), so one is started for this run.",
        "{url} 上的网关不认识配置档 {profile}（或无法提供），因此为本次运行另启一个。",
    ),
    "gateway-locked": (
        "The gateway at {url} wants a key: set HEXAPLA_KEY to one of its keys.",
        "{url} 上的网关需要密钥：请把 HEXAPLA_KEY 设为其中之一。",
    ),
    "gateway-refuses": (
        "The gateway at {url} does not know the profile {profile}, or cannot serve it.",
        "{url} 上的网关不认识配置档 {profile}，或无法提供。",
    ),
    "gateway-absent": ("No gateway answers at {url}.", "{url} 上没有网关应答。"),
    "not-its-login": (
        "The profile {profile} is the own login of {owner}, which no other program may use; choose another profile.",
        "配置档 {profile} 是 {owner} 自己的登录，其他程序不得使用；请另选配置档。",
    ),
    "running": ("Hexapla answers at {url}", "Hexapla 已就绪：{url}"),
    "stopped": ("Interrupted.", "已中断。"),
    "error": ("error", "错误"),
    "no-answer": ("The model said nothing.", "模型没有回答。"),
    "talk": ("Talking with {model}. An empty line ends it.", "正在与 {model} 对话。输入空行结束。"),
    "you": ("you", "你"),
    "thinking": ("thinking", "思考中"),
    "usage-day": ("day", "日期"),
    "usage-provider": ("provider", "供应商"),
    "usage-key": ("key", "密钥"),
    "usage-requests": ("requests", "请求"),
    "usage-ok": ("ok", "成功"),
    "usage-input": ("input", "输入"),
    "usage-cached": ("cached", "缓存命中"),
    "usage-output": ("output", "输出"),
    "usage-reasoning": ("reasoning", "思考"),
    "usage-cost": ("cost", "费用"),
    "usage-time": ("time (UTC)", "时间（UTC）"),
    "usage-id": ("id", "编号"),
    "usage-model": ("model", "模型"),
    "usage-lane": ("lane", "通道"),
    "usage-seconds": ("seconds", "秒"),
    "usage-outcome": ("outcome", "结果"),
    "no-profile": ("There is no such profile.", "没有这样的配置档。"),
    "nothing": ("Nothing yet.", "暂无记录。"),
    "name": ("name", "名称"),
    "kind": ("kind", "类型"),
    "context": ("context", "上下文"),
    "max-output": ("max output", "最大输出"),
    "price-in": ("in/1M", "输入/百万"),
    "price-out": ("out/1M", "输出/百万"),
    "per-image": ("{amount} an image", "{amount}/张"),
    "per-second": ("{amount} a second", "{amount}/秒"),
    "per-characters": ("{amount}/1M letters", "{amount}/百万字符"),
    "per-page": ("{amount} a page", "{amount}/页"),
    "per-request": ("{amount} a call", "{amount}/次"),
    "per-search": ("{amount} a search", "{amount}/次搜索"),
    "models-shown": ("{shown} models.", "{shown} 个模型。"),
    "models-more": ("{more} more at providers without a key: --all.", "另有 {more} 个属于没有密钥的供应商：--all。"),
    "models-letters": (
        "T tools, R reasoning, V vision, J JSON schema, C cache, W web search",
        "T 工具，R 推理，V 视觉，J JSON schema，C 缓存，W 联网搜索",
    ),
    "models-count": ("models", "模型数"),
    "key-page": ("keys at", "密钥页面"),
    "no-key": ("no key needed", "无需密钥"),
    "not-for-us": ("the vendor's own program only", "仅限厂商自己的程序"),
    "providers-shown": ("{shown} providers, {ready} ready.", "{shown} 家供应商，{ready} 家可用。"),
    "can": ("can", "能力"),
    "free": ("free", "免费"),
    "provider": ("provider", "供应商"),
    "protocols": ("protocols", "协议"),
    "login": ("log in to a provider with a browser or a code", "用浏览器或验证码登录供应商"),
    "how-to-log-in": ("login", "登录"),
    "ready": ("ready", "可用"),
    "estimated": ("estimated", "估算"),
    "why-only": ("Why: nobody else offers it.", "原因：没有其他供应商提供它。"),
    "why-order": ("Why: in the order of provider.order.", "原因：按 provider.order 的顺序。"),
    "why-session": ("Why: this conversation's prompt is cached there.", "原因：这段对话的提示缓存在那里。"),
    "why-sort-price": ("Why: sorted by price.", "原因：按价格排序。"),
    "why-sort-throughput": ("Why: sorted by throughput.", "原因：按吞吐量排序。"),
    "why-sort-latency": ("Why: sorted by latency.", "原因：按延迟排序。"),
    "why-sort-exacto": ("Why: sorted by quality: fewest failures first.", "原因：按质量排序，失败最少者优先。"),
    "why-balanced": (
        "Why: among those without a recent failure one is drawn by 1/price², the others follow by price.",
        "原因：在近期没有失败的供应商中按 1/价格² 抽取一个，其余按价格排列。",
    ),
    "lane-column": ("lane", "通道"),
    "shown-dialect": ("dialect", "请求协议"),
    "shown-provider": ("provider", "供应商"),
    "shown-model": ("model", "模型"),
    "shown-protocol": ("protocol", "上游协议"),
    "shown-lane": ("lane", "通道"),
    "shown-url": ("url", "地址"),
    "shown-loss": ("loss", "损失"),
    "losses-column": ("losses", "损失"),
    "first-token": ("first token", "首字"),
    "speed": ("speed", "速度"),
    "not-a-file": ("{path} cannot be read: {why}.", "无法读取 {path}：{why}。"),
    "not-a-body": (
        (
            "{path} cannot be read: {why}. explain wants a file with a request body as JSON; for a model alone:\n"
            """  echo '{{"model": "demo/echo", "messages": [{{"role": "user", "content": "Hi"}}]}}' | hexapla explain -"""
        ),
        (
            "无法读取 {path}：{why}。explain 需要一个 JSON 请求体文件；只想看某个模型：\n"
            """  echo '{{"model": "demo/echo", "messages": [{{"role": "user", "content": "你好"}}]}}' | hexapla explain -"""
        ),
    ),
    "unknown-dialect": (
        "Cannot tell the dialect of this body; give it with --dialect.",
        "无法判断请求体的协议，请用 --dialect 指定。",
    ),
}


COMPLAINTS: tuple[tuple[str, str], ...] = (
    (r"argument (.+?): (.*)", "参数 {0}：{1}"),
    (r"invalid choice: (.+?) \(choose from (.*)\)", "{0} 不在可选值之中：{1}"),
    (r"the following arguments are required: (.*)", "缺少参数：{0}"),
    (r"unrecognized arguments: (.*)", "不认识的参数：{0}"),
    (r"expected one argument", "需要一个值"),
    (r"expected at least one argument", "至少需要一个值"),
    (r"expected at most one argument", "最多一个值"),
    (r"expected (\d+) arguments?", "需要 {0} 个值"),
    (r"invalid int value: (.*)", "{0} 不是整数"),
    (r"invalid number value: (.*)", "{0} 不是数字"),
    (r"must be (\S+) or more, not (.*)", "应不小于 {0}，而不是 {1}"),
    (r"must begin with http:// or https://, not (.*)", "应以 http:// 或 https:// 开头，而不是 {0}"),
    (r"ambiguous option: (\S+) could match (.*)", "{0} 不明确，可能是 {1}"),
    (r"ignored explicit argument (.*)", "此选项不带值：{0}"),
    (r"not allowed with argument (.*)", "不能与 {0} 同用"),
)
"""What argparse complains of (Lib/argparse.py, 3.11 to 3.14) -> the same in Chinese; its own messages are English."""


def language(environment: Mapping[str, str]) -> Language:
    """`zh` or `en`."""
    for name in ("HEXAPLA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


class Say:
    """Looks words up in one language."""

    def __init__(self, chosen: Language) -> None:
        self.language = chosen
        self._column = 1 if chosen == "zh" else 0

    def __call__(self, key: str, **values: object) -> str:
        text = WORDS[key][self._column]
        return text.format(**values) if values else text

    def complaint(self, message: str) -> str:
        """argparse's complaint about a command line; one that is not known stays as it is."""
        if self.language != "zh":
            return message
        for pattern, text in COMPLAINTS:
            if found := re.fullmatch(pattern, message):
                return text.format(*map(self.complaint, found.groups()))
        return message
