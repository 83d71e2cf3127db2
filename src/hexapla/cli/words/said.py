"""What commands say when they run."""

from __future__ import annotations

SAID: dict[str, tuple[str, str]] = {
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
    "auth-none": (
        "No key or login was found. Set a key (hexapla providers lists the variables) or run `hexapla login PROVIDER`.",
        "没有找到密钥或登录。请设置密钥（hexapla providers 会列出变量名），或运行 `hexapla login 供应商`。",
    ),
    "auth-in": ("in {time}", "{time} 后"),
    "auth-ended": ("ended: run `hexapla login {provider}`", "已失效：请运行 `hexapla login {provider}`"),
    "auth-benched": ("sits out: {why}", "暂停使用：{why}"),
    "doctor-nobody": (
        "Nobody to examine: no provider is configured and no key was found. Try `hexapla doctor PROVIDER`.",
        "没有可诊断的供应商：未配置供应商，也没有找到密钥。可以试试 `hexapla doctor 供应商`。",
    ),
    "doctor-well": ("Everything is well.", "一切正常。"),
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
    "config-right": ("{file}: right.", "{file}：无误。"),
    "config-none": ("no configuration file (none is needed)", "没有配置文件（也不需要）"),
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
    "update-only": ("{names}: only for `hexapla catalog update`.", "{names} 只用于 `hexapla catalog update`。"),
    "no-table": ("There is no table of models here.", "这里没有模型总表。"),
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
    "no-answer": ("The model said nothing.", "模型没有回答。"),
    "talk": ("Talking with {model}. An empty line ends it.", "正在与 {model} 对话。输入空行结束。"),
    "no-profile": ("There is no such profile.", "没有这样的配置档。"),
    "nothing": ("Nothing yet.", "暂无记录。"),
    "no-ability": ("No model can {name}; abilities are: {known}.", "没有模型具备能力 {name}；现有能力：{known}。"),
    "no-provider": (
        "There is no provider {name}.{near} `hexapla providers` lists them.",
        "没有名为 {name} 的供应商。{near}`hexapla providers` 会列出全部。",
    ),
    "nearest": (" Nearest: {names}.", "最接近的是：{names}。"),
    "models-shown": ("{shown} models.", "{shown} 个模型。"),
    "models-more": ("{more} more at providers without a key: --all.", "另有 {more} 个属于没有密钥的供应商：--all。"),
    "models-letters": (
        "T tools, R reasoning, V vision, J JSON schema, C cache, W web search",
        "T 工具，R 推理，V 视觉，J JSON schema，C 缓存，W 联网搜索",
    ),
    "not-for-us": ("the vendor's own program only", "仅限厂商自己的程序"),
    "providers-shown": ("{shown} providers, {ready} ready.", "{shown} 家供应商，{ready} 家可用。"),
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
