"""The user's file: found, read, completed, and explained where it is wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from hexapla.catalog.address import endpoint_url
from hexapla.catalog.resolve import resolve
from hexapla.config import Config, Key, Loaded, assemble, find_config, load_config, parse_config
from hexapla.errors import ConfigError

FULL = """\
keys = ["plain-key"]
on_loss = "warn"

[server]
host = "0.0.0.0"
port = 7000

[aliases]
mine = "local/llama"

[chains]
mine = ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"]

[timeouts]
first = 10

[retry]
retries = 1

[ledger]
path = ":memory:"

[log]
path = "off"

[providers.local]
auth = { kind = "api_key", key = "${LOCAL_KEY}" }
[[providers.local.endpoints]]
protocol = "openai_chat"
base_url = "http://127.0.0.1:9001/v1/chat/completions"
timeouts = { connect = 1, first = 5 }
[providers.local.endpoints.quirks]
rename = { max_completion_tokens = "max_tokens" }

[providers.openai]
auth = { key = "sk-own" }

[[models.local]]
id = "llama"
context = 8192
"""

ENVIRONMENT = {"LOCAL_KEY": "s3cret"}


def load(text: str, environment: dict[str, str] | None = None) -> Loaded:
    given = ENVIRONMENT if environment is None else environment
    return assemble(parse_config(text, "hexapla.toml", given), given)


def wrong(text: str, environment: dict[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text, environment)
    assert caught.value.file == "hexapla.toml"
    return caught.value


def test_everything_is_read() -> None:
    """Every table reaches its struct, and what is not said has its default."""
    loaded = load(FULL)
    config = loaded.config
    assert (config.server.host, config.server.port, config.on_loss) == ("0.0.0.0", 7000, "warn")
    assert (config.timeouts.first, config.retry.retries, config.ledger.path, config.log.path) == (
        10,
        1,
        ":memory:",
        "off",
    )
    assert config.limits.body_bytes == 32 * 1024 * 1024
    assert config.chains["mine"] == ("openai/gpt-4o", "anthropic/claude-sonnet-4-5")
    (match,) = resolve(loaded.catalog, "mine")
    assert endpoint_url(match.endpoint, match.model, stream=False) == "http://127.0.0.1:9001/v1/chat/completions"
    assert match.quirks.rename == {"max_completion_tokens": "max_tokens"}
    assert match.facts is not None and match.facts.context == 8192
    assert match.provider.auth.key == "s3cret"


def test_nothing_is_needed() -> None:
    """Without a file there are the packaged providers, the demo among them, on the loopback address."""
    loaded = assemble(Config(), {})
    assert (loaded.config.server.host, loaded.config.server.port) == ("127.0.0.1", 6336)
    assert resolve(loaded.catalog, "demo/echo")[0].provider.auth.kind == "none"
    assert loaded.config.key_names() == {}


def test_a_builtin_provider_is_overridden_field_by_field() -> None:
    """A key of one's own leaves endpoints, variables and sources as they are packaged."""
    own = load(FULL).catalog.providers["openai"]
    packaged = assemble(Config(), {}).catalog.providers["openai"]
    assert own.auth.key == "sk-own" and own.auth.env == packaged.auth.env
    assert own.endpoints == packaged.endpoints and own.name == packaged.name


def test_an_endpoint_of_ones_own_has_the_vendors_quirks() -> None:
    """Behind a company's address stands the same DeepSeek, which wants its thought back."""
    text = """
[providers.deepseek]
[[providers.deepseek.endpoints]]
protocol = "openai_chat"
base_url = "https://models.example.com/deepseek"
[providers.deepseek.endpoints.quirks]
rename = { user = "user_id" }
"""
    (own,) = load(text).catalog.providers["deepseek"].endpoints
    packaged = assemble(Config(), {}).catalog.providers["deepseek"].endpoints[0]
    assert own.quirks == replace(packaged.quirks, rename=packaged.quirks.rename | {"user": "user_id"})
    assert own.quirks.target and own.base_url == "https://models.example.com/deepseek"


def test_endpoints_of_ones_own_replace_the_packaged_ones() -> None:
    """Azure with an endpoint of one's own needs no variable that says where it is."""
    text = """
[providers.azure_openai]
[[providers.azure_openai.endpoints]]
protocol = "openai_chat"
base_url = "https://mine.openai.azure.com"
path = "/openai/deployments/{model}/chat/completions"
query = { api-version = "2024-10-21" }
"""
    (match,) = resolve(load(text).catalog, "azure/gpt-4o")
    assert match.provider.auth.header == "api-key"
    assert endpoint_url(match.endpoint, match.model, stream=True) == (
        "https://mine.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
    )


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ('region = "cn"', "https://api.moonshot.cn/v1/chat/completions"),
        ('host = "http://proxy:8080"', "http://proxy:8080/v1/chat/completions"),
        ('regions = { lab = "https://lab.test" }\nregion = "lab"', "https://lab.test/v1/chat/completions"),
    ],
)
def test_a_provider_can_be_moved(said: str, url: str) -> None:
    """A region of the vendor, a host of one's own, a region of one's own."""
    match = resolve(load(f"[providers.moonshot]\n{said}\n").catalog, "moonshot/kimi-k3")[0]
    assert endpoint_url(match.endpoint, match.model, stream=False) == url


def test_local_servers_are_where_their_variable_says() -> None:
    """Ollama is on this machine unless OLLAMA_BASE_URL says otherwise; a path in it does no harm."""
    for environment, url in (
        ({}, "http://127.0.0.1:11434/v1/chat/completions"),
        ({"OLLAMA_BASE_URL": "http://box:1/v1"}, "http://box:1/v1/chat/completions"),
    ):
        match = resolve(assemble(Config(), environment).catalog, "ollama/qwen2.5")[0]
        assert endpoint_url(match.endpoint, match.model, stream=False) == url


@pytest.mark.parametrize("purpose", ["fast", "smart", "powerful", "cheap", "code"])
def test_purposes_are_names(purpose: str) -> None:
    """A purpose leads to a listed model, and the user's alias of that name stands above it."""
    match = resolve(assemble(Config(), {}).catalog, purpose)[0]
    assert match.facts is not None
    own = assemble(Config(aliases={purpose: "demo/echo"}), {})
    assert resolve(own.catalog, purpose)[0].provider.id == "demo"


LOCAL = '[providers.local]\n[[providers.local.endpoints]]\nprotocol = "openai_chat"\nbase_url = "http://l"\n'

MISTAKES = [
    # text, line, key, what was meant, a part of the message
    ("[server]\nhost = 'x'\nprot = 1", 3, "server.prot", "port", "no key 'prot'"),
    ("[sever]\nport = 1", 1, "sever", "server", "no key 'sever'"),
    ("[server]\nport = 'x'", 2, "server.port", "", "Expected `int`, got `str`"),
    ("[server]\nport = 70000", 2, "server.port", "", "<= 65535"),
    ("on_loss = 'ignore'", 1, "on_loss", "", "one of allow, warn, strict"),
    ("[providers.a]\n[providers.b]\n[providers.a]", 3, "providers.a", "", "second time"),
    (LOCAL + LOCAL.replace("local", "Local"), 5, "providers.Local", "", "as 'local'"),
    ("\n[providers.opnai]\nauth = { key = 'x' }", 2, "providers.opnai", "openai", "is not built in"),
    ("[providers.qqq]\nendpoints = []", 1, "providers.qqq", "", "needs [[providers.qqq.endpoints]]"),
    (LOCAL.replace('l"', 'h:x/v1"'), 4, "providers.local.endpoints[0].base_url", "", "no address like"),
    (LOCAL.replace("//l", "//u:p@[h"), 4, "providers.local.endpoints[0].base_url", "", "no address like"),
    (LOCAL.replace("http:", "ftp:"), 4, "providers.local.endpoints[0].base_url", "", "no address like"),
    (LOCAL.replace("//l", "///v1"), 4, "providers.local.endpoints[0].base_url", "", "no address like"),
    ('[timeouts]\nmodels."*" = { frist = 1 }', 2, "timeouts.models.*.frist", "first", "no timeout"),
    (LOCAL + "timeouts = { conect = 1 }", 5, "providers.local.endpoints[0].timeouts.conect", "connect", "no timeout"),
    (LOCAL + "quirks = { stirp = [] }", 5, "providers.local.endpoints[0].quirks.stirp", "strip", "no key"),
    (LOCAL + "quirks.target.user = 1", 5, "providers.local.endpoints[0].quirks.target.user", "", "no target fact"),
    ("[providers.moonshot]\nregion = 'us'", 2, "providers.moonshot.region", "", "knows no region 'us'"),
    ("\n\n[providers.openai]\nauth = { key = '${NOT_THERE}' }", 4, "providers.openai.auth.key", "", "NOT_THERE is not set"),
    ("keys = ['${LOCL_KEY}']", 1, "keys[0]", "LOCAL_KEY", "LOCL_KEY is not set"),
    ("keys = ['a', '']", 1, "keys[1]", "", "key is empty"),
    ("[[keys]]\nname = 'a'\nkey = 'x'\n[[keys]]\nname = 'b'", 4, "keys[1]", "", "give key, env or sha256"),
    ("[[keys]]\nenv = 'NOT_THERE'", 1, "keys[0]", "", "NOT_THERE is not set"),
    ("[[keys]]\nsha256 = 'abc'", 1, "keys[0]", "", "64 hex digits"),
    ("[[keys]]\nkye = 'x'", 2, "keys[0].kye", "key", "no key 'kye'"),
    ("[[models.local]]\nid = 'm'\n[[models.local]]\nid = 'm'", 4, "models.local[1].id", "", "second time"),
    ("[[keys]]\nkey = 'x'\nprofile = 'wrk'\n[profiles.work]\nmodel = 'x'", 3, "keys[0].profile", "work", "no profile"),
    ("[profiles.work]\nhaiku = 'demo/echo'", 1, "profiles.work", "", "needs a provider or a model"),
    ("[profiles.work]\nprovider = 'opnai'", 2, "profiles.work.provider", "openai", "no provider"),
    ("[profiles.work]\nmodel = 'x'\nhaikuu = 'y'", 3, "profiles.work.haikuu", "haiku", "no key"),
    ("[profiles.'a/b']\nmodel = 'x'", 1, "profiles.a/b", "", "stands in addresses"),
    ("[profiles.a]\nmodel = 'x'\nbackups = ['a']", 3, "profiles.a.backups[0]", "", "no backup of itself"),
    ("[profiles.a]\nmodel = 'x'\nmax_tokens = 0", 3, "profiles.a.max_tokens", "", "at least 1"),
    ("[profiles.a]\nmodel = 'x'\nstrip_params = 'some'", 3, "profiles.a.strip_params", "", ""),
    ("[server\nport = 1", 1, "", "", "not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "meant", "says"), MISTAKES, ids=[f"{c[2]}: {c[4]}" for c in MISTAKES])
def test_a_mistake_is_placed(text: str, line: int, key: str, meant: str, says: str) -> None:
    """File, line, key, what was probably meant, and why."""
    error = wrong(text)
    assert (error.line, error.key, error.did_you_mean) == (line, key, meant)
    assert says in error.message


def test_an_empty_variable_is_missing() -> None:
    """An empty key would let everybody in who sends none."""
    error = wrong("keys = ['${K}']", {"K": ""})
    assert "K is empty" in error.message and error.did_you_mean == ""


def test_client_keys_are_known_by_their_digest() -> None:
    """Bare keys, named ones, those of a variable and digests; names are made up where none is given."""
    digest = hashlib.sha256(b"four").hexdigest()
    said = ("key = 'one'", "name = 'bob'\nkey = 'two'", "env = 'K'", f"sha256 = '{digest.upper()}'")
    text = "".join(f"[[keys]]\n{each}\n" for each in said)
    names = load(text, {"K": "three"}).config.key_names()
    assert names == {
        hashlib.sha256(key).hexdigest(): name
        for key, name in ((b"one", "key-1"), (b"two", "bob"), (b"three", "key-3"), (b"four", "key-4"))
    }
    with pytest.raises(ConfigError, match="is empty"):
        Config(keys=(Key(name="nobody"),)).key_names()
    assert Config(keys=(Key(key="one"), "two")).key_names().keys() == {
        hashlib.sha256(key).hexdigest() for key in (b"one", b"two")
    }


def test_a_provider_key_that_cannot_be_sent_is_told_at_once() -> None:
    """Not at the first request of the day."""
    with pytest.raises(ConfigError, match="OpenAI"):
        assemble(Config(), {"OPENAI_API_KEY": "sk-\u2026"})


def test_secrets_do_not_show() -> None:
    """What was loaded holds the whole environment, so it is not printed."""
    assert "s3cret" not in repr(load(FULL))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory deep in an empty home."""
    here = tmp_path / "work" / "deep"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    return tmp_path


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_where_the_file_is_looked_for(home: Path) -> None:
    """What is asked for, then the variable, then here and upwards, then the user's own; none is needed."""
    assert find_config(None, {}) is None
    own = write(home / "home" / ".config" / "hexapla" / "hexapla.toml", "")
    assert find_config(None, {}) == own
    xdg = write(home / "xdg" / "hexapla" / "hexapla.toml", "")
    assert find_config(None, {"XDG_CONFIG_HOME": str(home / "xdg")}) == xdg
    above = write(home / "work" / "hexapla.toml", "")
    assert find_config(None, {}) == above
    here = write(home / "work" / "deep" / "hexapla.toml", "")
    assert find_config(None, {}) == here
    asked = write(home / "asked.toml", "")
    assert find_config(None, {"HEXAPLA_CONFIG": str(asked)}) == asked
    assert find_config(here, {"HEXAPLA_CONFIG": str(asked)}) == here


@pytest.mark.parametrize("environment", [{}, {"HEXAPLA_CONFIG": "/nowhere/hexapla.toml"}])
def test_a_file_that_was_asked_for_must_exist(home: Path, environment: dict[str, str]) -> None:
    """A misspelt path does not silently mean no configuration."""
    with pytest.raises(ConfigError, match="does not exist"):
        find_config(None if environment else "missing.toml", environment)


def test_a_dotenv_beside_the_file_is_read(home: Path) -> None:
    """Comments, quotes and `export`; the real environment stands above it; both files are to be watched."""
    file = write(home / "conf" / "hexapla.toml", "keys = ['${A}', '${B}', '${C}', '${D}']")
    dotenv = write(home / "conf" / ".env", "# A=no\nA='one two'\nexport B=\"two\"\n C = three \nD=file\nnonsense\n")
    loaded = load_config(file, {"D": "real"})
    assert [key.key for key in loaded.config.keys if isinstance(key, Key)] == ["one two", "two", "three", "real"]
    assert loaded.config.file == str(file)
    assert {file, dotenv} <= set(loaded.files)


def test_bytes_that_are_no_text_are_told(home: Path) -> None:
    """A file that cannot be read is a mistake with a name."""
    file = home / "hexapla.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(file, {})


def test_loading_again_sees_the_change(home: Path) -> None:
    """Nothing of an earlier load stays behind."""
    file = write(home / "hexapla.toml", "[aliases]\nmine = 'demo/echo'")
    before = load_config(file, {})
    write(file, "[aliases]\nmine = 'demo/slow'")
    after = load_config(file, {})
    assert [resolve(loaded.catalog, "mine")[0].model for loaded in (before, after)] == ["echo", "slow"]


def test_memory_for_less_than_one_request_is_a_mistake() -> None:
    """The largest body would always be sent away, though it is allowed."""
    error = wrong("[limits]\nbody_bytes = 1000\nmemory_bytes = 4000\n")
    assert (error.line, error.key) == (3, "limits.memory_bytes") and "36768" in str(error)
    assert load("[limits]\nbody_bytes = 1000\nmemory_bytes = 40000\n").config.limits.memory_bytes == 40000


def test_a_search_service_finds_its_key() -> None:
    """In the table, else in the variable that the service itself names."""
    own = parse_config('[search]\nkind = "exa"\nkey = "${MINE}"\n', "f.toml", {"MINE": "a", "EXA_API_KEY": "b"})
    assert own.search.key == "a"
    assert parse_config('[search]\nkind = "brave"\n', "f.toml", {"BRAVE_SEARCH_API_KEY": "c"}).search.key == "c"
    assert parse_config('[search]\nkind = "searxng"\nurl = "http://s"\n', "f.toml", {}).search.key == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            '[search]\nkind = "tavily"\n',
            "f.toml:1: The search service tavily needs a key: give key, or set TAVILY_API_KEY",
        ),
        ('[search]\nkind = "searxng"\n', "f.toml:1: The search service searxng needs the url of your own"),
        ('[search]\nkind = "altavista"\n', "f.toml:2: search.kind"),
    ],
)
def test_a_search_service_that_cannot_be_asked(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "f.toml", {})
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize(
    "origin", ["chat.example.com", "https://chat.example.com/app", "https://", "null", "https://a b"]
)
def test_what_is_no_origin_of_pages_is_a_mistake(origin: str) -> None:
    error = wrong(f"[server]\ncors_origins = ['http://localhost:*', '{origin}']\n")
    assert (error.line, error.key) == (2, "server.cors_origins") and origin in str(error)


@pytest.mark.parametrize("every", ['"*"', '["*"]', '["https://*"]', '["http://*:*"]'])
def test_every_page_may_ask_only_where_a_key_is_needed(every: str) -> None:
    """Or any of them could spend."""
    assert wrong(f"[server]\ncors_origins = {every}\n").key == "server.cors_origins"
    assert load(f"keys = ['k']\n[server]\ncors_origins = {every}\n").config.server.cors_origins
    assert load("[server]\ncors_origins = ['https://*.example.com', 'app://*']\n").config.server.cors_origins
