"""The wire protocols, one folder each."""

from __future__ import annotations

from hexapla.protocols.anthropic_messages import ANTHROPIC_MESSAGES
from hexapla.protocols.base import Protocol
from hexapla.protocols.gemini_generate import GEMINI_GENERATE
from hexapla.protocols.openai_chat import OPENAI_CHAT
from hexapla.protocols.openai_responses import OPENAI_RESPONSES

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol for protocol in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES, GEMINI_GENERATE)
}
