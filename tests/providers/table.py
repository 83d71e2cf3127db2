"""Writes the table of providers: `PYTHONPATH=tests python -m providers.table`.

    docs/providers.md, docs/zh/providers.md    the whole page: the table, then every provider with its sources
    README.md, README.zh.md                    the table, between two comments

Rows come from the catalogue, what is known to work from the fakes that the suite asks; a test keeps the files current.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hexapla.auth.api_key import env_names
from hexapla.catalog.schema import Provider
from hexapla.config import builtin_providers
from providers.facts import VENDORS

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- providers -->", "<!-- /providers -->"

DIALECTS = {
    "openai_chat": "Chat",
    "openai_responses": "Responses",
    "anthropic_messages": "Messages",
    "gemini_generate": "Gemini",
}
REAL = {"bedrock_litellm": ("; LiteLLM's own proxy", "；LiteLLM 官方代理")}
"""What else than the fake a provider's row was tried against: a program that nobody here wrote."""


class Words(NamedTuple):
    """The words of one language."""

    column: int
    title: str
    about: str
    head: tuple[str, ...]
    tools: dict[str, str]
    status: dict[str, str]
    auth: dict[str, str]
    fake: str
    labels: dict[str, str]


ENGLISH = Words(
    0,
    "# Providers",
    """\
Every provider is held to a fake upstream that answers, refuses and complains as the vendor's documents, its own programs or
recorded traffic say (`tests/providers/vendors`), in three client dialects: whole and streamed answers, parallel tool calls
and their results, thought and its return, token counts, every class of failure, a second key, a client that leaves. Codes
and statuses of failures follow the sources; what is assumed stands in each fake. This page is made from the catalogue and
those fakes; a test keeps it current.

- *type*: the protocols that the provider speaks; a client of one of them passes through without translation.
- *slots*: haiku, sonnet and opus of a profile may stand for its models.
- *verified*: against a fake made from the vendor's own documents, from third-party sources, or from assumptions
  (unverified); what else is named is a real program.""",
    ("provider", "type", "login", "stream", "tools", "slots", "verified"),
    {"yes": "yes", "limited": "limited", "no": "no"},
    {"documented": "vendor's documents", "third-party": "third-party sources", "unverified": "unverified"},
    {
        "key": "API key",
        "token": "access token",
        "device_code": "device code",
        "pkce": "browser",
        "google": "Google credentials",
        "entra": "Microsoft Entra",
        "none": "none",
        "optional": "none, or API key",
        "elsewhere": "its own program",
    },
    "fake: ",
    {
        "prefix": "prefix",
        "keys": "keys",
        "page": "key page",
        "regions": "regions",
        "balance": "balance",
        "off": "Off until `providers.{id}.enabled = true`.",
        "unavailable": "Not carried: {why}.",
        "sources": "Sources",
    },
)
CHINESE = Words(
    1,
    "# 供应商",
    """\
每个供应商都要经受一个仿真上游的检验：它按供应商的文档、官方程序或录制的流量来应答、拒绝和报错（`tests/providers/vendors`），
并用三种客户端协议测试：整体与流式回答、并行工具调用及其结果、思考内容及其回传、令牌计数、每一类失败、第二个密钥、客户端中途离开。
失败的代码与状态依据来源；各仿真上游写明了哪些属于假设。本页由目录与这些仿真上游生成，并由测试保持最新。

- 类型：供应商支持的协议；说其中之一的客户端无需翻译即可直通。
- 模型槽位：配置档案的 haiku、sonnet、opus 可以指向它的模型。
- 验证方式：仿真上游依据供应商自己的文档、第三方来源或假设（未验证）；另外列出的是真实程序。""",
    ("提供商", "类型", "认证", "流式", "工具调用", "模型槽位", "验证方式"),
    {"yes": "支持", "limited": "有限", "no": "不支持"},
    {"documented": "供应商文档", "third-party": "第三方来源", "unverified": "未验证"},
    {
        "key": "API Key",
        "token": "Access Token",
        "device_code": "设备码",
        "pkce": "浏览器",
        "google": "Google 凭证",
        "entra": "Microsoft Entra",
        "none": "无",
        "optional": "无，或 API Key",
        "elsewhere": "它自己的程序",
    },
    "仿真：",
    {
        "prefix": "前缀",
        "keys": "密钥变量",
        "page": "获取密钥",
        "regions": "区域",
        "balance": "余额",
        "off": "默认关闭，设置 `providers.{id}.enabled = true` 后启用。",
        "unavailable": "",
        "sources": "来源",
    },
)
LANGUAGES = {"en": ENGLISH, "zh": CHINESE}


def table(words: Words) -> str:
    """The table of all providers."""
    rows = [_row(words, provider) for provider in _listed()]
    return "\n".join(_line(cells) for cells in (words.head, ["---"] * len(words.head), *rows))


def page(words: Words) -> str:
    """The whole page."""
    parts = [words.title, words.about, table(words), *(_section(words, provider) for provider in _listed())]
    return "\n\n".join(parts) + "\n"


def inserted(text: str, words: Words) -> str:
    """A README with the table between its two comments."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(words)}\n\n{END}{after}"


def _listed() -> list[Provider]:
    """Providers by their names; the demo is no vendor."""
    known = [provider for provider in builtin_providers().values() if provider.id != "demo"]
    return sorted(known, key=lambda provider: provider.name.lower())


def _row(words: Words, provider: Provider) -> list[str]:
    name = (provider.name, provider.name_zh)[words.column]
    if not provider.endpoints:
        return [name, "–", words.auth["elsewhere"], "–", "–", "–", "–"]
    yes = words.tools["yes"]
    tools = VENDORS[provider.id].rows[0].tools
    return [name, _type(provider), _login(words, provider), yes, words.tools[tools], yes, _verified(words, provider)]


def _type(provider: Provider) -> str:
    return ", ".join(dict.fromkeys(DIALECTS[endpoint.protocol] for endpoint in provider.endpoints))


def _login(words: Words, provider: Provider) -> str:
    """Every way to log in, the first found first."""
    auth = provider.auth
    if auth.optional or auth.kind == "none":
        return words.auth["optional" if auth.optional else "none"]
    ways = ["token" if auth.kind == "login" else "key"] if env_names(auth) else []
    ways += [auth.login.flow] if auth.login is not None and not auth.login.ended else []
    ways += [auth.cloud] if auth.cloud else []
    return ", ".join(words.auth[way] for way in ways)


def _verified(words: Words, provider: Provider) -> str:
    real = REAL.get(provider.id, ("", ""))
    return words.fake + words.status[provider.status] + real[words.column]


def _section(words: Words, provider: Provider) -> str:
    """All that is known of one provider."""
    said = words.labels
    facts = [f"- {said['prefix']}: " + ", ".join(f"`{name}`" for name in (provider.id, *provider.aliases))]
    variables = [*env_names(provider.auth), *([provider.auth.token_env] if provider.auth.token_env else [])]
    optional: tuple[tuple[str, str, Callable[[], str]], ...] = (
        ("keys", "x" if variables else "", lambda: ", ".join(f"`{name}`" for name in variables)),
        ("page", provider.key_page, lambda: f"<{provider.key_page}>"),
        ("regions", "x" if provider.regions else "", lambda: _regions(provider)),
        ("balance", provider.balance, lambda: f"`{provider.balance}`"),
    )
    facts += [f"- {said[name]}: {tell()}" for name, there, tell in optional if there]
    facts += [f"- {DIALECTS[each.protocol]}: `{each.base_url}{each.path}`" for each in provider.endpoints]
    notes = (provider.notes, provider.notes_zh)[words.column]
    off = "" if provider.enabled else said["off"].format(id=provider.id)
    why = said["unavailable"].format(why=provider.unavailable) if provider.unavailable else ""
    prose = " ".join(part for part in (why, notes, off) if part)
    sources = "\n".join(f"  - {source}" for source in provider.sources)
    title = f"## {(provider.name, provider.name_zh)[words.column]}"
    return "\n\n".join([title, *([prose] if prose else []), "\n".join([*facts, f"- {said['sources']}:", sources])])


def _regions(provider: Provider) -> str:
    """Each region's address, and where its own keys are got."""
    pages = provider.key_pages
    return ", ".join(
        f"`{name}` = {host}" + (f" (<{pages[name]}>)" if name in pages else "")
        for name, host in provider.regions.items()
    )


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def files() -> dict[Path, str]:
    """Every file and what it should say."""
    wanted = {}
    for language, words in LANGUAGES.items():
        zh = language == "zh"
        readme = ROOT / ("README.zh.md" if zh else "README.md")
        wanted[ROOT / "docs" / ("zh/providers.md" if zh else "providers.md")] = page(words)
        wanted[readme] = inserted(readme.read_text(encoding="utf-8"), words)
    return wanted


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text, encoding="utf-8")
        print(file)
