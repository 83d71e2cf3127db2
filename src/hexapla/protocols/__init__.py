"""The wire protocols, one folder each."""

from __future__ import annotations

from hexapla.protocols.anthropic_messages import ANTHROPIC_MESSAGES
from hexapla.protocols.base import Protocol
from hexapla.protocols.openai_chat import OPENAI_CHAT

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (OPENAI_CHAT, ANTHROPIC_MESSAGES)}
