"""Which proxy a request leaves by."""

from __future__ import annotations

import pytest

from hexapla.config import assemble, parse_config
from hexapla.engine.address import Address
from hexapla.engine.routes import Routes
from hexapla.upstream.egress import proxy_for

HTTPS = {"HTTPS_PROXY": "http://user:pw@proxy:3128"}
URL = "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        (URL, HTTPS, "http://user:pw@proxy:3128"),
        (URL, {"https_proxy": "http://small:1", **HTTPS}, "http://small:1"),
        (URL, {"HTTPS_PROXY": "proxy:3128"}, "http://proxy:3128"),
        (URL, {"ALL_PROXY": "socks5://proxy:1080"}, "socks5://proxy:1080"),
        (URL, {"HTTP_PROXY": "http://proxy:1"}, None),
        ("http://api.example.com/v1", {"HTTP_PROXY": "http://proxy:1"}, "http://proxy:1"),
        ("http://api.example.com/v1", HTTPS, None),
        (URL, {}, None),
        (URL, {"HTTPS_PROXY": ""}, None),
    ],
)
def test_the_environment_names_a_proxy(url: str, environment: dict[str, str], proxy: str | None) -> None:
    """By scheme, small letters first, with or without the proxy's own scheme."""
    assert proxy_for(url, "", environment) == proxy


@pytest.mark.parametrize(
    ("host", "listed", "direct"),
    [
        ("api.example.com", "example.com", True),
        ("api.example.com", ".example.com", True),
        ("api.example.com", "*.example.com", True),
        ("api.example.com", "other.org, API.example.com", True),
        ("api.example.com", "*", True),
        ("api.example.com", "ample.com", False),
        ("api.example.com", "", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("11.1.2.3", "10.0.0.0/8,nonsense/99", False),
        ("[fd00::1]", "fd00::/8", True),
        ("localhost", "", True),
        ("127.0.0.1", "", True),
        ("[::1]", "", True),
    ],
)
def test_no_proxy(host: str, listed: str, direct: bool) -> None:
    """Hosts, domains and networks are exempt as NO_PROXY says; this machine always is."""
    proxy = proxy_for(f"https://{host}:8443/v1", "", {**HTTPS, "NO_PROXY": listed})
    assert (proxy is None) == direct


def test_an_endpoints_own_word_stands_above_the_environment() -> None:
    """Its proxy, or none."""
    text = "".join(
        f'[providers.{name}]\nauth = {{ kind = "none" }}\n[[providers.{name}.endpoints]]\n'
        f'protocol = "openai_chat"\nbase_url = "https://h.example/v1"\n{more}\n'
        for name, more in {"a": "", "b": 'proxy = "http://own:1"', "c": 'proxy = "direct"'}.items()
    )
    routes = Routes(assemble(parse_config(text, "hexapla.toml", HTTPS), HTTPS))
    found = {}
    for name in "abc":
        address = routes.candidates(f"{name}/m")[0].address
        assert isinstance(address, Address)
        assert "pw" not in repr(address)
        found[name] = address.proxy
    assert found == {"a": "http://user:pw@proxy:3128", "b": "http://own:1", "c": None}
