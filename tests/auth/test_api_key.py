"""Keys are found where they are configured, go where the provider wants them, and never show."""

from __future__ import annotations

import pytest

from hexapla.auth.api_key import Credential, auth_headers, find_credentials, missing_key, needs_key
from hexapla.catalog.login import Auth, KeySource, Login
from hexapla.catalog.schema import Provider
from hexapla.errors import ConfigError

ENVIRONMENT = {"FIRST": "", "SECOND": " from-second \n", "THIRD": "from-third"}


def provider(**auth: object) -> Provider:
    return Provider(id="acme", name="Acme", key_page="https://acme.test/keys", auth=Auth(**auth))  # type: ignore[arg-type]


def secrets(found: Provider) -> list[tuple[str, str]]:
    return [(credential.name, credential.secret) for credential in find_credentials(found, ENVIRONMENT)]


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ({"env": "THIRD"}, [("THIRD", "from-third")]),
        ({"env": ("NOWHERE", "FIRST", "SECOND", "THIRD")}, [("SECOND", "from-second")]),
        ({"env": "NOWHERE"}, []),
        ({}, []),
        ({"key": "own", "env": "THIRD"}, [("key 1", "own")]),
        ({"key": "a", "keys": ("b ", "", "c")}, [("key 1", "a"), ("key 2", "b"), ("key 3", "c")]),
        ({"key": " "}, []),
        ({"kind": "none", "key": "unused", "env": "THIRD"}, []),
        ({"optional": True, "env": "THIRD"}, [("THIRD", "from-third")]),
        # a finished token, configured or in a variable of its own
        ({"kind": "login", "key": "token"}, [("key 1", "token")]),
        ({"kind": "login", "token_env": "THIRD"}, [("THIRD", "from-third")]),
        ({"kind": "elsewhere", "env": "THIRD"}, []),
        (
            {"keys": (KeySource(env="THIRD"), KeySource(env="FIRST"), KeySource(key="own", name="mine"))},
            [("THIRD", "from-third"), ("mine", "own")],
        ),
    ],
)
def test_where_keys_are_found(auth: dict[str, object], expected: list[tuple[str, str]]) -> None:
    """Configured keys before variables, the first variable that holds one, white space cut off."""
    assert secrets(provider(**auth)) == expected


@pytest.mark.parametrize("key", ["line\nbreak", "snow\u2603", "nul\x00"])
def test_a_key_that_no_header_takes_is_refused(key: str) -> None:
    """The error names the source and not the key."""
    with pytest.raises(ConfigError) as caught:
        find_credentials(provider(key=key), {})
    assert "Acme (key 1)" in str(caught.value)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("protocol", "auth", "headers"),
    [
        ("openai_chat", {}, {"authorization": "Bearer s"}),
        ("openai_responses", {}, {"authorization": "Bearer s"}),
        ("anthropic_messages", {}, {"x-api-key": "s", "anthropic-version": "2023-06-01"}),
        ("gemini_generate", {}, {"x-goog-api-key": "s"}),
        (
            "anthropic_messages",
            {"header": "Authorization"},
            {"authorization": "Bearer s", "anthropic-version": "2023-06-01"},
        ),
        ("openai_chat", {"header": "api-key"}, {"api-key": "s"}),
    ],
)
def test_where_a_key_goes(protocol: str, auth: dict[str, str], headers: dict[str, str]) -> None:
    """Each protocol's own place, or the one that the provider names; Messages always says its version."""
    assert dict(auth_headers(protocol, Auth(**auth), Credential("k", "s"))) == headers


def test_without_a_key_nothing_is_sent() -> None:
    """A server without login gets no empty header."""
    assert auth_headers("openai_chat", Auth(kind="none"), None) == ()
    assert dict(auth_headers("anthropic_messages", Auth(kind="none"), None)) == {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("auth", "needed"),
    [({}, True), ({"kind": "none"}, False), ({"optional": True}, False), ({"kind": "login"}, True)],
)
def test_who_needs_a_key(auth: dict[str, object], needed: bool) -> None:
    """Servers of one's own may do without."""
    assert needs_key(provider(**auth).auth) is needed


def test_a_missing_key_is_explained() -> None:
    """The variables, the page where a key is made, or how to give a token."""
    assert missing_key(provider(env=("A", "B"))).message == (
        "Acme needs a key: set A or B. Get one at https://acme.test/keys."
    )
    assert "providers.acme.auth.key" in missing_key(provider()).message
    login = Login(flow="pkce")
    assert missing_key(provider(kind="login", login=login, env="A")).message == (
        "Acme wants a login: run `hexapla login acme`, or set A."
    )
    assert "az login" in missing_key(provider(env="A", cloud="entra")).message


def test_a_credential_does_not_show_its_secret() -> None:
    """Neither in a repr nor formatted."""
    credential = Credential("KEY", "very-secret")
    assert "very-secret" not in f"{credential!r} {credential} {[credential]}"
