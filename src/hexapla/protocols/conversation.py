"""What OpenAI's two dialects do alike with a conversation on its way out: who may say system text, where, and how it ends.

Rules of this file: the decisions and their losses; how a message is written is each dialect's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from hexapla.ir.content import Text
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.target import Target
from hexapla.protocols.extras import lose_extras

_CACHING = ("prompt_cache_key", "cache_key", "prompt_cache_retention")


class Conversation:
    """One rendering: the request, whom it is for, and what was lost so far.

    begun  somebody other than the system has spoken
    alike  the target takes what OpenAI itself does, as far as it refuses nothing that says how a prompt is cached
    """

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self.request = request
        self.target = target
        self.losses = losses
        self.begun = False
        self.alike = target.unsupported.isdisjoint(_CACHING)

    def messages(self) -> Sequence[Message]:
        """The messages, without the beginning of an answer that the target would not continue."""
        messages = self.request.messages
        if self.target.prefill or not messages or messages[-1].role != "assistant":
            return messages
        self.losses.add(f"messages[{len(messages) - 1}]", "the target does not continue a begun answer", "content")
        return messages[:-1]

    def system_role(self, path: str, message: Message) -> str | None:
        """Who says a system or developer message; None where the target wants none at its place."""
        if self.begun and not self.target.mid_system:
            return None
        if message.role == "developer" and not self.target.developer_role:
            self.losses.add(f"{path}.role", "the target knows no developer role", "cosmetic")
            return "system"
        if message.role == "system" and not self.target.system_role:
            self.losses.add(f"{path}.role", "the target knows no system role", "cosmetic")
            return "developer"
        return message.role

    def reminder(self, path: str, message: Message) -> str:
        """What the user says where the system must not."""
        self.losses.add(
            path, "the target takes system messages at the beginning only; it is sent as a user message", "cosmetic"
        )
        text = "\n\n".join(part.text for part in message.content if isinstance(part, Text))
        lose_extras(message.extras, f"{path}.", "it is sent as a user message", self.losses)
        return f"<system-reminder>\n{text}\n</system-reminder>"
