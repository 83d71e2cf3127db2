"""The conversation of a request as Messages turns.

Leading system messages become `system`; a tool message and the user message after it become one user turn, results first.
`Turns` holds one rendering; `Target` says how.

Rules of this file: one method for each kind of part, found by table; whatever Messages, or this target, cannot take is a
Loss under its IR path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hexapla.ir.content import (
    AnyPart,
    CacheMark,
    Extras,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hexapla.ir.loss import LossLog
from hexapla.ir.request import SYSTEM, GenerateRequest, Message
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.arguments import object_of
from hexapla.protocols.base import nothing_left
from hexapla.protocols.extras import MARK, beside, lose_extras
from hexapla.wire.rawjson import split

Json = dict[str, Any]


class Turns:
    """One rendering: the request, whom it is for, and what was lost so far."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self.request = request
        self.target = target
        self.losses = losses

    def render(self) -> Json:
        """`system` and `messages`.  Raises ClientError where nothing of them can be said."""
        messages = self.request.messages
        if not messages or messages[0].role not in SYSTEM:
            return {"system": None, "messages": self._messages(messages, 0)}
        count = next((i for i, m in enumerate(messages) if m.role not in SYSTEM), len(messages))
        return {"system": self._system(messages[:count]), "messages": self._messages(messages[count:], count)}

    def beside(self, body: Json, extras: Extras, path: str) -> Json:
        """`body` with unknown fields of our own protocol; those of others are losses."""
        return beside(body, extras, NAME, path, self.losses)

    def mark(self, cache: CacheMark, path: str) -> Json | None:
        """A cache mark, where the target takes any."""
        if not self.target.cache_marks:
            self.losses.add(path, "the target takes no cache marks", "cosmetic")
            return None
        return {"type": cache.type} | ({"ttl": cache.ttl} if cache.ttl else {})

    # turns

    def _nameless(self, path: str, message: Message) -> None:
        if message.name is not None:
            self.losses.add(f"{path}.name", "Messages has no names of speakers", "cosmetic")

    def _system(self, messages: Sequence[Message]) -> str | list[Json] | None:
        for index, message in enumerate(messages):
            self._nameless(f"messages[{index}]", message)
            if message.role == "developer":
                self.losses.add(f"messages[{index}].role", "Messages has no developer role", "cosmetic")
            lose_extras(message.extras, f"messages[{index}].", "system text takes no further fields", self.losses)
        if len(messages) == 1 and messages[0].plain:
            first = messages[0].content[0] if messages[0].content else None
            if isinstance(first, Text) and first.cache is None and not first.extras:
                return first.text or None
        blocks = [b for i, m in enumerate(messages) for b in self._blocks(f"messages[{i}]", m.content)]
        return blocks or None

    def _messages(self, messages: Sequence[Message], offset: int) -> list[Json]:
        rendered: list[Json] = []
        answered = False  # results were said last: what the user says next belongs to their turn
        for index, message in enumerate(messages):
            path = f"messages[{index + offset}]"
            turn = self._turn(path, message)
            if not turn["content"]:
                self.losses.add(path, "a turn that says nothing is refused; it was left out", "cosmetic")
                continue
            if answered and turn["role"] == "user":
                rendered[-1] |= {**turn, "content": [*rendered[-1]["content"], *_as_blocks(turn["content"])]}
            else:
                rendered.append(turn)
            answered = message.role == "tool"
        if not rendered:
            raise nothing_left("messages")
        if rendered[-1]["role"] == "assistant":
            rendered[-1] = self._begun(f"messages[{len(messages) - 1 + offset}]", rendered[-1])
        return rendered

    def _begun(self, path: str, turn: Json) -> Json:
        """An answer to go on with, without white space at its end, for which the API refuses it
        (https://github.com/langchain-ai/langchain/pull/35072, 2026-02)."""
        content = turn["content"]
        last = {"type": "text", "text": content} if isinstance(content, str) else content[-1]
        text = last["text"].rstrip() if last.get("type") == "text" else ""
        if not text or text == last["text"]:
            return turn
        self.losses.add(path, "an answer to go on with may not end in white space", "cosmetic")
        return {**turn, "content": text if isinstance(content, str) else [*content[:-1], {**last, "text": text}]}

    def _turn(self, path: str, message: Message) -> Json:
        self._nameless(path, message)
        if message.role in SYSTEM:
            return self._reminder(path, message)
        role = "user" if message.role == "tool" else message.role
        turn: Json = {"role": role, "content": self._content(path, message)}
        return self.beside(turn, message.extras, f"{path}.") if message.extras else turn

    def _content(self, path: str, message: Message) -> str | list[Json]:
        first = message.content[0] if message.plain and len(message.content) == 1 else None
        if isinstance(first, Text) and first.cache is None and not first.extras:
            return "" if first.text.isspace() else first.text
        return self._blocks(path, message.content)

    def _reminder(self, path: str, message: Message) -> Json:
        """A system message inside the conversation: kept where the model knows it, else said to the user's side."""
        if message.role == "developer":
            self.losses.add(f"{path}.role", "Messages has no developer role", "cosmetic")
        blocks = self._blocks(path, message.content)
        if self.target.mid_system:
            plain = message.plain and len(blocks) == 1 and set(blocks[0]) == {"type", "text"}
            content = blocks[0]["text"] if plain else blocks
            return self.beside({"role": "system", "content": content}, message.extras, f"{path}.")
        self.losses.add(f"{path}.role", "the model takes system text at the beginning only", "cosmetic")
        text = "\n".join(block["text"] for block in blocks if block.get("type") == "text")
        lose_extras(message.extras, f"{path}.", "it is sent as a user message", self.losses)
        return {"role": "user", "content": f"<system-reminder>\n{text}\n</system-reminder>"}

    def _blocks(self, path: str, parts: Iterable[AnyPart]) -> list[Json]:
        rendered = [self._block(f"{path}.content[{i}]", part) for i, part in enumerate(parts)]
        return [block for block in rendered if block is not None]

    def _block(self, path: str, part: AnyPart) -> Json | None:
        block = _RENDER[type(part)](self, path, part)
        cache, extras = getattr(part, "cache", None), getattr(part, "extras", None)
        mark = None if cache is None else self.mark(cache, f"{path}.cache")
        if block is None:
            if extras:
                lose_extras(extras, f"{path}.", "the part that it stood in was left out", self.losses)
            return None
        if mark is not None:
            block.setdefault(MARK, mark)  # what came whole holds its mark
        return self.beside(block, extras, f"{path}.") if extras else block

    def _text(self, path: str, part: Text) -> Json | None:
        if not part.text or part.text.isspace():
            # the API refuses blocks that say nothing (https://github.com/anthropics/claude-code/issues/23440, 2026-02)
            return None
        block: Json = {"type": "text", "text": part.text}
        if part.citations:
            native = [c.native for c in part.citations if c.origin == NAME and c.native is not None]
            if native:
                block["citations"] = native
            if len(native) < len(part.citations):
                self.losses.add(f"{path}.citations", "these citations are another dialect's", "cosmetic")
        if part.logprobs:
            self.losses.add(f"{path}.logprobs", "Messages has no log probabilities", "cosmetic")
        return block

    def _refusal(self, path: str, part: Refusal) -> Json | None:
        self.losses.add(path, "Messages has no refusal blocks; it is text", "cosmetic")
        return {"type": "text", "text": part.text} if part.text else None

    def _reasoning(self, path: str, part: Reasoning) -> Json | None:
        if not self.replayed(part):
            self.losses.add(path, "reasoning is replayed to the provider that it came from only", "cosmetic")
            return None
        if part.encrypted is not None and not part.text:
            return {"type": "redacted_thinking", "data": part.encrypted}
        block: Json = {"type": "thinking", "thinking": part.text}
        if part.signature is not None:
            block["signature"] = part.signature
        return block

    def replayed(self, part: AnyPart) -> bool:
        """Whether a part is thought that goes back to whom it came from."""
        if not isinstance(part, Reasoning) or self.target.replay_reasoning == "never":
            return False
        return part.origin.fits(self.target.origin)

    def _call(self, path: str, part: ToolCall) -> Json:
        return {
            "type": "tool_use",
            "id": part.id,
            "name": part.name,
            "input": object_of(part, path, self.losses),
        }

    def _result(self, path: str, part: ToolResult) -> Json:
        block: Json = {"type": "tool_result", "tool_use_id": part.call_id}
        first = part.content[0] if part.plain and len(part.content) == 1 else None
        if isinstance(first, Text) and not first.cache and not first.extras:
            block["content"] = first.text
        elif part.content:
            block["content"] = self._blocks(path, part.content)
        if part.is_error is not None:
            block["is_error"] = part.is_error
        if part.name is not None:
            self.losses.add(f"{path}.name", "Messages results name no tool", "cosmetic")
        return block

    def _media(self, path: str, part: Media) -> Json | None:
        if part.kind not in ("image", "document"):
            self.losses.add(path, f"Messages takes no {part.kind}", "content")
            return None
        if part.detail is not None:
            self.losses.add(f"{path}.detail", "Messages has no image detail", "cosmetic")
        source = self._source(part)
        if source is None:
            self.losses.add(path, "the file is known to another vendor only", "content")
            return None
        block: Json = {"type": part.kind, "source": source}
        title = part.title or part.filename
        if part.kind == "document":
            said = {"title": title, "context": part.context}
            block |= {name: value for name, value in said.items() if value is not None}
            if part.citations is not None:
                block["citations"] = {"enabled": part.citations}
        return block

    def _source(self, part: Media) -> Json | None:
        if part.data is not None:
            usual = "image/png" if part.kind == "image" else "application/pdf"
            return {"type": "base64", "media_type": part.media_type or usual, "data": part.data}
        if part.text is not None:
            return {"type": "text", "media_type": "text/plain", "data": part.text}
        if part.url is not None:
            return {"type": "url", "url": part.url}
        return {"type": "file", "file_id": part.file_id} if self.request.protocol == NAME else None

    def _opaque(self, path: str, part: Opaque) -> Json | None:
        if part.origin.protocol != NAME:
            self.losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
            return None
        kept = part.cache is not None and self.target.cache_marks > 0
        return {name: value for name, value in split(part.data).items() if kept or name != MARK}


def _as_blocks(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


_RENDER: dict[type, Callable[[Turns, str, Any], Json | None]] = {
    Text: Turns._text,
    Refusal: Turns._refusal,
    Reasoning: Turns._reasoning,
    ToolCall: Turns._call,
    ToolResult: Turns._result,
    Media: Turns._media,
    Opaque: Turns._opaque,
}
