"""What can be said without the network: keys, addresses, proxies."""

from __future__ import annotations

import pytest

from doctor.vendor import Examined, examined, run, toml
from hexapla.config import assemble, builtin_providers, parse_config
from hexapla.doctor.address import is_local, place
from hexapla.doctor.choose import subjects
from hexapla.doctor.finding import CHECKS
from hexapla.doctor.keys import PREFIXES
from hexapla.doctor.words import TEXTS
from hexapla.errors import ConfigError


def offline(text: str, *names: str, **environment: str) -> Examined:
    return run(examined(text, *names, online=False, environment=environment))


def test_every_text_is_there_in_both_languages() -> None:
    """What failed has a remedy, and both languages name the same facts."""
    for code, text in TEXTS.items():
        assert text.cause and text.cause_zh, code
        assert bool(text.remedy) == bool(text.remedy_zh), code


def test_a_key_of_the_environment_is_named_by_its_variable() -> None:
    """The source is told, the key is not; nothing that needs the network is tried."""
    found = offline("", "groq", GROQ_API_KEY="gsk_0123456789abcdef")
    assert found.cause("key") == "GROQ_API_KEY found" and found["key"].verdict == "ok"
    assert "0123456789" not in repr(found)
    assert {check: found.verdicts()[check] for check in ("dns", "call")} == {"dns": "skip", "call": "skip"}
    assert found.code("call") == "offline" and set(found.verdicts()) == set(CHECKS)


def test_a_missing_key_says_where_to_get_one() -> None:
    found = offline("", "openai")
    assert found["key"].verdict == "fail" and found.code("call") == "skipped"
    assert "OPENAI_API_KEY" in found.remedy("key") and "platform.openai.com" in found.remedy("key")
    assert "OPENAI_API_KEY" in found.remedy("key", "zh")


@pytest.mark.parametrize(
    ("provider", "variable", "key", "code"),
    [
        ("openai", "OPENAI_API_KEY", "sk-your-api-key", "key.placeholder"),
        ("openai", "OPENAI_API_KEY", "<paste it here>", "key.placeholder"),
        ("openai", "OPENAI_API_KEY", "sk-xxxxxxxx", "key.placeholder"),
        ("openai", "OPENAI_API_KEY", "$OTHER_KEY", "key.placeholder"),
        ("openai", "OPENAI_API_KEY", '"sk-1234567890"', "key.quoted"),
        ("openai", "OPENAI_API_KEY", "Bearer sk-1234567890", "key.bearer"),
        ("openai", "OPENAI_API_KEY", "sk-ant-1234567890", "key.foreign"),
        ("anthropic", "ANTHROPIC_API_KEY", "gsk_1234567890", "key.foreign"),
        ("anthropic", "ANTHROPIC_API_KEY", "sk-1234567890", "key.form"),
        ("xai", "XAI_API_KEY", "abcdef1234567890", "key.form"),
        ("anthropic", "ANTHROPIC_API_KEY", "sk-ant-api03-1234567890", "key.found"),
        ("mistral", "MISTRAL_API_KEY", "anything-goes-1234567890", "key.found"),
        ("openai", "OPENAI_API_KEY", "sk-proj-abcNone1234567890", "key.found"),
    ],
)
def test_the_form_of_a_key(provider: str, variable: str, key: str, code: str) -> None:
    """What cannot be a key fails; what merely looks strange is a warning; the key itself is never shown."""
    found = offline("", provider, **{variable: key})
    assert found.code("key") == code
    assert found["key"].verdict == {"key.found": "ok", "key.foreign": "warn", "key.form": "warn"}.get(code, "fail")
    assert variable in found.cause("key") and key not in repr(found)


def test_every_wrong_key_is_named() -> None:
    text = '[providers.openai]\nauth = { keys = ["sk-right-1234567890", "changeme", "sk-ant-1234567890"] }\n'
    found = offline(text, "openai")
    codes = [(finding.code, finding.facts["key"]) for finding in found.findings if finding.check == "key"]
    assert codes == [("key.placeholder", "key 2"), ("key.foreign", "key 3")]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://api.example.com/v1", "address.ok"),
        ("http://127.0.0.1:11434/v1", "address.ok"),
        ("http://gpu-box:8000/v1", "address.ok"),
        ("gpu-box:8000/v1", "address.ok"),
        ("http://api.example.com/v1", "address.plain"),
    ],
)
def test_addresses(url: str, code: str) -> None:
    """A key does not travel in clear text over the internet."""
    assert offline(toml(url), "own").code("address") == code


def test_a_variable_may_hold_no_address() -> None:
    """Only http(s) can be asked."""
    assert offline("", "ollama", OLLAMA_BASE_URL="ftp://127.0.0.1:11434").code("address") == "address.wrong"


def test_a_provider_whose_place_is_not_known() -> None:
    """The variable that is missing is named."""
    found = offline("", "azure_openai", AZURE_OPENAI_API_KEY="0123456789abcdef")
    assert found.code("address") == "address.unavailable" and "AZURE_OPENAI_ENDPOINT" in found.cause("address")


@pytest.mark.parametrize(
    ("proxy", "code", "shown"),
    [
        ("http://user:hidden-word@proxy.example:3128", "proxy.used", "proxy.example:3128"),
        ("socks5://127.0.0.1:1080", "proxy.used", "127.0.0.1:1080"),
        ("proxy.example:3128", "proxy.wrong", "proxy.example:3128"),
        ("http://proxy:notaport", "proxy.wrong", ""),
    ],
)
def test_proxies(proxy: str, code: str, shown: str) -> None:
    """A proxy is shown without its password."""
    found = offline(toml("https://api.example.com/v1", f'proxy = "{proxy}"'), "own")
    assert found.code("proxy") == code and shown in found.cause("proxy")
    assert "hidden-word" not in repr(found)


def test_the_environments_proxy() -> None:
    """$HTTPS_PROXY holds for whoever names none; this machine needs none."""
    away = offline(toml("https://api.example.com/v1"), "own", HTTPS_PROXY="http://u:hidden-word@proxy:3128")
    assert away.code("proxy") == "proxy.used" and "proxy:3128" in away.cause("proxy")
    assert "hidden-word" not in repr(away)
    here = offline(toml("http://127.0.0.1:8000/v1"), "own", HTTPS_PROXY="http://proxy:3128")
    assert here.code("proxy") == "proxy.none"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1:80", True),
        ("[::1]:80", True),
        ("192.168.1.5", True),
        ("gpu-box:8000", True),
        ("nas.local", True),
        ("api.openai.com", False),
        ("8.8.8.8:443", False),
        ("[2001:4860:4860::8888]:443", False),
    ],
)
def test_what_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_a_place_shows_neither_password_nor_query() -> None:
    assert place("http://me:secret@h:81/v1?key=secret") == "h:81"
    assert place("https://h:notaport/v1?key=secret") == ""


def names(text: str, *asked: str, model: str = "", **environment: str) -> dict[str, tuple[str, ...]]:
    loaded = assemble(parse_config(text, "hexapla.toml", environment), environment)
    return {subject.provider.id: subject.models for subject in subjects(loaded, asked, model)}


def test_who_is_examined() -> None:
    """Nobody without a key, unless configured or named; models come from --model, aliases and chains."""
    own = toml("http://h/v1")
    assert names("") == {}
    assert names("", GROQ_API_KEY="gsk_1") == {"groq": ()}
    assert names(own) == {"own": ()}
    assert names(own, "own", "GEMINI") == {"gemini": (), "own": ()}
    assert names(own, model="own/tiny") == {"own": ("tiny",)}
    assert names(own, "own", model="tiny") == {"own": ("tiny",)}
    named = 'aliases = { a = "own/x", b = "gpt-4o" }\nchains = { a = ["own/y"], "own/x" = ["demo/echo"] }\n'
    assert names(named + toml("http://h/v1"), "own") == {"own": ("x", "y")}


def test_an_unknown_provider_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"no provider 'opnai'\. Did you mean 'openai'"):
        names("", "opnai")


def test_forms_of_keys_belong_to_providers_that_exist() -> None:
    assert set(PREFIXES) <= set(builtin_providers())
