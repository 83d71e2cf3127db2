"""What counts as a secret in a request's headers, and what becomes of it in an answer."""

from __future__ import annotations

from hexapla.upstream.secrets import secrets_of, without

KEY = "sk-0123456789abcdef"


def test_secrets_are_what_is_not_known_to_be_harmless() -> None:
    """Keys without their scheme, and headers of one's own; not what every answer may hold."""
    headers = (
        ("content-type", "application/json"),
        ("user-agent", "hexapla/0.1 and a long story"),
        ("anthropic-beta", "fine-grained-tool-streaming"),
        ("x-own", "a-header-of-ones-own"),
        ("authorization", f"Bearer {KEY}"),
    )
    assert secrets_of(headers) == (b"a-header-of-ones-own", KEY.encode())


def test_short_keys_damage_no_answer() -> None:
    """A local server's `ollama` may stand in what a model says."""
    headers = (("authorization", "Bearer ollama"), ("x-dashscope-sse", "enable"))
    assert secrets_of(headers) == ()
    assert secrets_of(headers, refused=True) == (b"ollama",)


def test_secrets_are_masked_wherever_they_stand() -> None:
    """Every occurrence; an answer without any stays the same object."""
    said = f"key {KEY}, again {KEY}".encode()
    assert without((KEY.encode(),), said) == b"key ***, again ***"
    assert without((KEY.encode(),), honest := b"hello") is honest
