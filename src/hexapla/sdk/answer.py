"""What the library gives back: text that knows where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hexapla.ir.content import Citation, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Usage
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply

_ECHOED = ("content", "tool_calls", "reasoning_content", "reasoning_details")


class Answer(str):
    """The text of an answer, as a `str`, with everything else as attributes.

    reasoning   readable thought, "" when there was none
    tool_calls  calls that the model wants made (chat_with_tools makes them for you)
    citations   sources, in order
    stop        stop | length | tool_calls | content_filter | stop_sequence | pause | None
    usage       token counts as the provider reported them; counts that it did not report are None
    model       what the upstream calls the model;  provider: who served it
    id          the gateway's id of this generation: `hexapla usage` and the ledger know it
    losses      fields of the request that could not be carried to this provider
    message     the turn to append to a conversation that goes on
    response    the whole answer in the interlingua
    """

    __slots__ = ("id", "losses", "provider", "response")

    id: str
    provider: str
    losses: tuple[str, ...]
    response: GenerateResponse

    @classmethod
    def of(
        cls, response: GenerateResponse, *, answer_id: str = "", provider: str = "", losses: Sequence[str] = ()
    ) -> Answer:
        answer = cls("".join(part.text for part in response.content if isinstance(part, Text | Refusal)))
        answer.response = response
        answer.id = answer_id
        answer.provider = provider
        answer.losses = tuple(losses)
        return answer

    @property
    def reasoning(self) -> str:
        return "".join(part.readable for part in self.response.content if isinstance(part, Reasoning))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.response.content if isinstance(part, ToolCall))

    @property
    def citations(self) -> tuple[Citation, ...]:
        return tuple(c for part in self.response.content if isinstance(part, Text) for c in part.citations)

    @property
    def stop(self) -> str | None:
        return self.response.stop.reason if self.response.stop else None

    @property
    def usage(self) -> Usage:
        return self.response.usage or Usage()

    @property
    def model(self) -> str:
        return self.response.model or ""

    @property
    def message(self) -> Mapping[str, Any]:
        """In the Chat dialect: text, calls, and thought with whatever signs it, which some providers demand again."""
        reply = Reply(id=self.id, created=0, model=self.model)
        said = PROTOCOLS["openai_chat"].render_response(self.response, reply, LossLog())
        message: Mapping[str, Any] = msgspec.json.decode(said)["choices"][0]["message"]
        return {"role": "assistant", **{name: message[name] for name in _ECHOED if message.get(name) is not None}}
