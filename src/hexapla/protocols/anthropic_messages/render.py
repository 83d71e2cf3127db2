"""A request as a Messages body.

Leading system messages become `system`; a tool message and the user message after it become one user turn, results first;
`max_tokens`, which the API demands, is the client's, else the model's own limit, else a constant.  What Messages, or this
model, cannot take is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import ClientError, Kind
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
from hexapla.ir.request import GenerateRequest, Message, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.base import nothing_left
from hexapla.wire.rawjson import dump, join, load, split

Json = dict[str, Any]

DEFAULT_MAX_TOKENS = 32_000
"""What Claude Code asks of models it does not know; every current Claude allows it."""

LEAST_BUDGET = 1024  # the API's own minimum (https://docs.claude.com/en/docs/build-with-claude/extended-thinking)

# OpenRouter's published shares of max_tokens (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-08)
SHARES = {"max": 0.95, "xhigh": 0.95, "high": 0.8, "medium": 0.5, "low": 0.2, "minimal": 0.1}

_SYSTEM = ("system", "developer")


def render_request(request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
    """Request -> upstream body."""
    body = _Body(request, target, losses).fields()
    return join({name: dump(value) for name, value in body.items() if value is not None})


class _Body:
    """One rendering: the request, whom it is for, and what was lost so far."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self.request = request
        self.target = target
        self.losses = losses
        self.max_tokens = request.max_tokens or target.max_output or DEFAULT_MAX_TOKENS

    def fields(self) -> Json:
        request = self.request
        leading, rest = self.leading()
        thinking, config = self.thinking()
        tools = [self.tool(index, tool) for index, tool in enumerate(request.tools)]
        body: Json = {
            "model": request.model,
            "max_tokens": self.max_tokens,
            "system": self.system(leading),
            "messages": self.messages(rest, len(leading)),
            "tools": [tool for tool in tools if tool is not None] or None,
            "tool_choice": self.choice(request.tool_choice, thinking),
            "thinking": thinking,
            "metadata": self.metadata(),
            "service_tier": self.service_tier(),
            "cache_control": self.mark(request.cache, "cache"),
            "stream": True if request.stream else None,
            **self.sampling(thinking),
        }
        if (output := self.output()) is not None:
            config["format"] = output
        self.foreign()
        return self.with_extras(body, config)

    def with_extras(self, body: Json, config: Json) -> Json:
        """Unknown fields of our own protocol; what output_config had beside ours is put back into it."""
        extras = self.extras(self.request.extras, "")
        left = extras.pop("output_config", None)
        config = {**config, **(split(left) if left is not None else {})}
        return body | ({"output_config": config} if config else {}) | extras

    def foreign(self) -> None:
        """Fields of other dialects that Messages cannot say."""
        request = self.request
        for name, why in _FOREIGN.items():
            if getattr(request, name) is not None:
                severity = "content" if name == "continues" else "cosmetic" if name in _HARMLESS else "parameter"
                self.losses.add(name, why, severity)  # type: ignore[arg-type]

    def extras(self, extras: Extras, path: str) -> Json:
        for origin, fields in extras.items():
            if origin != NAME:
                for name in fields:
                    self.losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only")
        return dict(extras.get(NAME, {}))

    # conversation

    def leading(self) -> tuple[list[Message], list[Message]]:
        messages = list(self.request.messages)
        count = next((i for i, m in enumerate(messages) if m.role not in _SYSTEM), len(messages))
        return messages[:count], messages[count:]

    def system(self, messages: Sequence[Message]) -> str | list[Json] | None:
        for index, message in enumerate(messages):
            if message.role == "developer":
                self.losses.add(f"messages[{index}].role", "Messages has no developer role", "cosmetic")
        if len(messages) == 1 and messages[0].plain:
            first = messages[0].content[0] if messages[0].content else None
            if isinstance(first, Text) and first.cache is None:
                return first.text or None
        blocks = [b for i, m in enumerate(messages) for b in self.blocks(f"messages[{i}]", m.content)]
        return blocks or None

    def messages(self, messages: Sequence[Message], offset: int) -> list[Json]:
        rendered: list[Json] = []
        answered = False  # results were said last: what the user says next belongs to their turn
        for index, message in enumerate(messages):
            path = f"messages[{index + offset}]"
            turn = self.turn(path, message)
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
        return rendered

    def turn(self, path: str, message: Message) -> Json:
        if message.role in _SYSTEM:
            return self.reminder(path, message)
        role = "user" if message.role == "tool" else message.role
        if message.name is not None:
            self.losses.add(f"{path}.name", "Messages has no names of speakers", "cosmetic")
        content: Any = None
        first = message.content[0] if message.content else None
        if message.plain and isinstance(first, Text) and len(message.content) == 1 and first.cache is None:
            content = first.text
        else:
            content = self.blocks(path, message.content)
        return {"role": role, "content": content, **self.extras(message.extras, f"{path}.")}

    def reminder(self, path: str, message: Message) -> Json:
        """A system message inside the conversation: kept where the model knows it, else said to the user's side."""
        if message.role == "developer":
            self.losses.add(f"{path}.role", "Messages has no developer role", "cosmetic")
        blocks = self.blocks(path, message.content)
        if self.target.mid_system:
            plain = message.plain and len(blocks) == 1 and set(blocks[0]) == {"type", "text"}
            content = blocks[0]["text"] if plain else blocks
            return {"role": "system", "content": content, **self.extras(message.extras, f"{path}.")}
        self.losses.add(f"{path}.role", "the model takes system text at the beginning only", "cosmetic")
        text = "\n".join(block["text"] for block in blocks if block.get("type") == "text")
        self.extras(message.extras, f"{path}.")
        return {"role": "user", "content": f"<system-reminder>\n{text}\n</system-reminder>"}

    def blocks(self, path: str, parts: Iterable[AnyPart]) -> list[Json]:
        rendered = [self.block(f"{path}.content[{i}]", part) for i, part in enumerate(parts)]
        return [block for block in rendered if block is not None]

    def block(self, path: str, part: AnyPart) -> Json | None:
        block = _RENDER[type(part)](self, path, part)
        cache = self.mark(getattr(part, "cache", None), f"{path}.cache")
        if block is not None and cache is not None:
            block["cache_control"] = cache
        return block

    def text(self, path: str, part: Text) -> Json | None:
        if not part.text:
            return None  # the API refuses empty text blocks, and they say nothing
        block: Json = {"type": "text", "text": part.text}
        native = [c.native for c in part.citations if c.origin == NAME and c.native is not None]
        if native:
            block["citations"] = native
        if len(native) < len(part.citations):
            self.losses.add(f"{path}.citations", "these citations are another dialect's", "cosmetic")
        return block | self.extras(part.extras, f"{path}.")

    def refusal(self, path: str, part: Refusal) -> Json | None:
        self.losses.add(path, "Messages has no refusal blocks; it is text", "cosmetic")
        return {"type": "text", "text": part.text} if part.text else None

    def reasoning(self, path: str, part: Reasoning) -> Json | None:
        if not self.replayed(part):
            self.losses.add(path, "reasoning is replayed to the provider that it came from only", "cosmetic")
            return None
        if part.encrypted is not None and not part.text:
            return {"type": "redacted_thinking", "data": part.encrypted}
        block: Json = {"type": "thinking", "thinking": part.text}
        if part.signature is not None:
            block["signature"] = part.signature
        return block | self.extras(part.extras, f"{path}.")

    def call(self, path: str, part: ToolCall) -> Json:
        block: Json = {"type": "tool_use", "id": part.id, "name": part.name, "input": self.input(path, part)}
        return block | self.extras(part.extras, f"{path}.")

    def input(self, path: str, part: ToolCall) -> Raw:
        """Arguments as the object that Messages demands; text that is none is wrapped, and said."""
        text = part.arguments.strip()
        if not text:
            return Raw(b"{}")
        raw = Raw(text.encode("utf-8", "replace"))
        if text.startswith("{") and load(raw, dict[str, Raw]) is not None:
            return raw
        self.losses.add(f"{path}.arguments", "the arguments are no JSON object and were wrapped", "content")
        return dump({"input": part.arguments})

    def result(self, path: str, part: ToolResult) -> Json:
        block: Json = {"type": "tool_result", "tool_use_id": part.call_id}
        if part.plain and len(part.content) == 1 and isinstance(part.content[0], Text) and not part.content[0].cache:
            block["content"] = part.content[0].text
        elif part.content:
            block["content"] = self.blocks(path, part.content)
        if part.is_error is not None:
            block["is_error"] = part.is_error
        if part.name is not None:
            self.losses.add(f"{path}.name", "Messages results name no tool", "cosmetic")
        return block | self.extras(part.extras, f"{path}.")

    def media(self, path: str, part: Media) -> Json | None:
        if part.kind not in ("image", "document"):
            self.losses.add(path, f"Messages takes no {part.kind}", "content")
            return None
        if part.detail is not None:
            self.losses.add(f"{path}.detail", "Messages has no image detail", "cosmetic")
        source = self.source(part)
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
        return block | self.extras(part.extras, f"{path}.")

    def source(self, part: Media) -> Json | None:
        if part.data is not None:
            usual = "image/png" if part.kind == "image" else "application/pdf"
            return {"type": "base64", "media_type": part.media_type or usual, "data": part.data}
        if part.text is not None:
            return {"type": "text", "media_type": "text/plain", "data": part.text}
        if part.url is not None:
            return {"type": "url", "url": part.url}
        return {"type": "file", "file_id": part.file_id} if self.request.protocol == NAME else None

    def opaque(self, path: str, part: Opaque) -> Json | None:
        if part.origin.protocol != NAME:
            self.losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
            return None
        return dict(split(part.data))

    # tools

    def tool(self, index: int, tool: Tool | ServerTool) -> Json | None:
        path = f"tools[{index}]"
        if isinstance(tool, ServerTool):
            return self.server_tool(path, tool)
        body: Json = {"name": tool.name}
        if tool.description is not None:
            body["description"] = tool.description
        body["input_schema"] = _object_schema(tool.parameters)
        if tool.strict is not None:
            self.strict(body, tool, path)
        if tool.deferred is not None:
            body["defer_loading"] = tool.deferred
        for name in ("namespace", "namespace_description", "format"):
            if getattr(tool, name) is not None:
                self.losses.add(f"{path}.{name}", f"Messages has no {name} of tools", "cosmetic")
        cache = self.mark(tool.cache, f"{path}.cache")
        if cache is not None:
            body["cache_control"] = cache
        return body | self.extras(tool.extras, f"{path}.")

    def strict(self, body: Json, tool: Tool, path: str) -> None:
        if self.target.strict_tools:
            body["strict"] = tool.strict
        else:
            self.losses.add(f"{path}.strict", "the target knows no strict tools")

    def server_tool(self, path: str, tool: ServerTool) -> Json | None:
        if tool.origin != NAME:
            self.losses.add(path, f"the server tool {tool.type} exists at {tool.origin} only", "content")
            return None
        cache = self.mark(tool.cache, f"{path}.cache")
        body: Json = dict(split(tool.data))
        return body | ({"cache_control": cache} if cache is not None else {})

    def choice(self, choice: ToolChoice | None, thinking: Json | None) -> Any:
        parallel = self.request.parallel_tool_calls
        if not self.request.tools:
            return None
        if choice is None:
            return None if parallel is None else {"type": "auto", "disable_parallel_tool_use": not parallel}
        if choice.mode == "native":
            if choice.origin != NAME:
                self.losses.add("tool_choice", f"this choice is understood by {choice.origin} only")
                return None
            return choice.native
        said = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}[choice.mode]
        if said in ("any", "tool") and thinking is not None and thinking.get("type") == "enabled":
            # "Thinking may not be enabled when tool_choice forces tool use" (docs.claude.com, extended thinking)
            self.losses.add("tool_choice", "a model that thinks cannot be made to call a tool")
            said = "auto"
        body: Json = {"type": said} | ({"name": choice.name} if said == "tool" else {})
        if parallel is not None and said != "none":
            body["disable_parallel_tool_use"] = not parallel
        return body

    # parameters

    def thinking(self) -> tuple[Json | None, Json]:
        """(thinking, output_config) for the wish to think."""
        wish = self.request.reasoning
        if wish is None:
            return None, {}
        config: Json = {}
        if wish.exclude:
            self.losses.add("reasoning.exclude", "Messages cannot hide thought", "cosmetic")
        if wish.mode == "disabled" or wish.effort == "none":
            return {"type": "disabled"}, config
        if self.request.protocol == NAME or self.target.adaptive_only:
            config = {"effort": wish.effort} if wish.effort is not None else {}
        mode = self.mode()
        if mode is None:
            return None, config
        thinking: Json = {"type": mode}
        if mode == "enabled":
            tokens = self.budget() if self.thought_is_whole() else None
            if tokens is None:
                return None, config
            thinking["budget_tokens"] = tokens
        if wish.summary in ("summarized", "omitted", "updates"):
            thinking["display"] = wish.summary
        elif wish.summary is not None:
            self.losses.add("reasoning.summary", "Messages has no such form of summary", "cosmetic")
        return thinking | self.extras(wish.extras, "reasoning."), config

    def mode(self) -> str | None:
        """The kind of thinking; None, which asks for none, where the client said no more than how it wants to see it."""
        wish = self.request.reasoning
        assert wish is not None
        if self.target.adaptive_only:
            if wish.budget is not None:
                self.losses.add("reasoning.budget", "the model thinks adaptively and takes no budget", "cosmetic")
            return "adaptive"
        if self.request.protocol == NAME:
            return wish.mode
        return None if wish.mode is None and wish.effort is None and wish.budget is None else "enabled"

    def thought_is_whole(self) -> bool:
        """Whether an open tool loop has the thought that began it.

        With a budget, a turn that called tools is taken back only if it begins with its thinking block: "Expected
        `thinking` or `redacted_thinking`, but found `tool_use`" (https://github.com/anomalyco/opencode/issues/3077).
        Clients that drop thought would meet a 400 at every result; without thinking, the loop goes on.
        """
        turn = _open_turn(self.request.messages)
        if not any(isinstance(part, ToolCall) for part in turn) or any(map(self.replayed, turn)):
            return True
        self.losses.add("reasoning", "the thought before the open tool calls is missing; the model goes on without")
        return False

    def replayed(self, part: AnyPart) -> bool:
        if not isinstance(part, Reasoning) or self.target.replay_reasoning == "never":
            return False
        return part.origin.fits(self.target.origin)

    def budget(self) -> int | None:
        """The thinking budget: the client's, else the effort's share of max_tokens; always below max_tokens."""
        wish = self.request.reasoning
        assert wish is not None
        tokens = wish.budget
        if tokens is None:
            tokens = max(LEAST_BUDGET, int(self.max_tokens * SHARES.get(wish.effort or "medium", 0.5)))
            self.losses.add("reasoning", "effort was turned into a token budget", "cosmetic")
        if tokens < self.max_tokens:
            return tokens
        shrunk = self.max_tokens - 1
        if shrunk < LEAST_BUDGET:
            self.losses.add("reasoning", "max_tokens leaves no room for thought")
            return None
        self.losses.add("reasoning.budget", "the budget has to stay below max_tokens", "cosmetic")
        return shrunk

    def sampling(self, thinking: Json | None) -> Json:
        sampling = self.request.sampling
        if (sampling.n or 1) > 1:
            raise ClientError(Kind.UNSUPPORTED, "Messages gives one answer a request; n must be 1.", param="n")
        for name in _UNKNOWN_SAMPLING:
            if getattr(sampling, name) is not None:
                self.losses.add(f"sampling.{name}", f"Messages has no {name}")
        said: Json = {name: getattr(sampling, name) for name in ("temperature", "top_p", "top_k")}
        said = {name: value for name, value in said.items() if value is not None}
        if not self.target.sampling:
            for name in said:
                self.losses.add(f"sampling.{name}", "the model takes no sampling parameters")
            said = {}
        elif thinking is not None and thinking.get("type") != "disabled":
            said = self.thinking_sampling(said)
        if said.get("temperature", 0) > 1:
            self.losses.add("sampling.temperature", "Messages takes 0 to 1; clamped")
            said["temperature"] = 1.0
        if sampling.stop is not None:
            self.stop_sequences(said, sampling.stop)
        return said

    def thinking_sampling(self, said: Json) -> Json:
        """While it thinks, a model takes no temperature but 1 and no top_k (docs.claude.com, extended thinking)."""
        refused = {n for n in ("temperature", "top_k") if n in said and not (n == "temperature" and said[n] == 1)}
        for name in refused:
            self.losses.add(f"sampling.{name}", "cannot be set while the model thinks")
        return {name: value for name, value in said.items() if name not in refused}

    def stop_sequences(self, said: Json, stop: Sequence[str]) -> None:
        kept = [sequence for sequence in stop if sequence.strip()]
        if len(kept) < len(stop):
            self.losses.add("sampling.stop", "Messages takes no stop sequence of white space only")
        if kept or not stop:
            said["stop_sequences"] = kept

    def output(self) -> Json | None:
        output = self.request.output
        if output is None or output.kind == "text":
            return None
        if output.kind == "json_object":
            self.losses.add("output", "Messages has no JSON mode without a schema")
            return None
        for name in ("name", "description", "strict"):
            if getattr(output, name) is not None and self.request.protocol != NAME:
                self.losses.add(f"output.{name}", f"Messages has no {name} of a schema", "cosmetic")
        body: Json = {"type": "json_schema", "schema": output.schema or Raw(b"{}")}
        return body | ({"name": output.name} if output.name and self.request.protocol == NAME else {})

    def metadata(self) -> Json | None:
        """The user's id, and what else a Messages client said beside it."""
        request = self.request
        said: Json = {} if request.user is None else {"user_id": request.user}
        if request.protocol == NAME and request.metadata is not None:
            said |= split(request.metadata)
        elif request.metadata is not None:
            self.losses.add("metadata", "Messages has no metadata but the user's id", "cosmetic")
        return said or None

    def service_tier(self) -> str | None:
        tier = self.request.service_tier
        if tier is None or tier in ("auto", "standard_only"):
            return tier
        self.losses.add("service_tier", f"Messages has no service tier {tier}", "cosmetic")
        return None

    def mark(self, cache: CacheMark | None, path: str) -> Json | None:
        if cache is None:
            return None
        if not self.target.cache_marks:
            self.losses.add(path, "the target takes no cache marks", "cosmetic")
            return None
        return {"type": cache.type} | ({"ttl": cache.ttl} if cache.ttl else {})


class _Typed(msgspec.Struct):
    type: str | list[str] | None = None


def _object_schema(schema: Raw | None) -> Raw:
    """The schema as it is, if it says that it is an object's, which Messages demands."""
    if schema is None:
        return Raw(b'{"type":"object","properties":{}}')
    found = load(schema, _Typed)
    if found is not None and found.type == "object":
        return schema
    fields = load(schema, dict[str, Raw])
    return Raw(join({"type": dump("object"), **(fields or {})}))


def _open_turn(messages: Sequence[Message]) -> list[AnyPart]:
    """What the assistant said since the user last spoke for himself; words beside results do not end a tool loop."""
    said: list[AnyPart] = []
    before = ""
    for message in messages:
        if message.role == "user" and before != "tool":
            said = []
        elif message.role == "assistant":
            said += message.content
        before = message.role
    return said


def _as_blocks(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


_FOREIGN = {
    "include_usage": "Messages always reports usage",
    "verbosity": "Messages has no verbosity",
    "store": "Messages stores nothing",
    "cache_key": "Messages caches by marks, not by key",
    "safety_identifier": "Messages has no safety identifier",
    "continues": "Messages has no stored conversations",
}
_HARMLESS = frozenset({"include_usage", "store", "cache_key", "safety_identifier"})

_UNKNOWN_SAMPLING = (
    "min_p",
    "top_a",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "logit_bias",
    "logprobs",
    "top_logprobs",
)

_RENDER: dict[type, Callable[[_Body, str, Any], Json | None]] = {
    Text: _Body.text,
    Refusal: _Body.refusal,
    Reasoning: _Body.reasoning,
    ToolCall: _Body.call,
    ToolResult: _Body.result,
    Media: _Body.media,
    Opaque: _Body.opaque,
}
