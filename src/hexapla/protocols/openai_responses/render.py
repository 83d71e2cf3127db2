"""A request as a Responses body.

What Responses, or this target, cannot say is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import AnyPart, Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, OutputFormat, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.openai_responses.items import reasoning_item, refusal_part, render_citation
from hexapla.protocols.openai_responses.words import NAME
from hexapla.wire.media import data_url
from hexapla.wire.rawjson import dump, join, split

Json = dict[str, Any]

ENCRYPTED = "reasoning.encrypted_content"


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

    def fields(self) -> Json:
        request = self.request
        instructions, rest = self.instructions()
        body: Json = {
            "model": request.model,
            "instructions": instructions,
            "input": self.input(rest, len(request.messages) - len(rest)),
            "tools": self.tools() or None,
            "tool_choice": self.choice(request.tool_choice),
            "parallel_tool_calls": request.parallel_tool_calls,
            "max_output_tokens": request.max_tokens,
            **self.sampling(),
            "reasoning": self.reasoning(),
            "text": self.text_options(),
            "stream": True if request.stream else None,
            "user": request.user,
            "metadata": request.metadata,
            "service_tier": request.service_tier,
            "store": request.store,
            "prompt_cache_key": request.cache_key,
            "safety_identifier": request.safety_identifier,
            "previous_response_id": request.continues,
            "include": self.include(),
        }
        self.foreign()
        for path in self.target.unsupported:
            if body.pop(path.rpartition(".")[2], None) is not None:
                self.losses.add(path, f"{self.target.origin.provider} refuses it")
        return body | self.extras(request.extras, "")

    def foreign(self) -> None:
        request = self.request
        if request.cache is not None:
            self.losses.add("cache", "Responses takes no cache marks", "cosmetic")
        if request.betas:
            self.losses.add("betas", "beta headers are Anthropic's", "cosmetic")
        if request.include_usage is not None:
            self.losses.add("include_usage", "Responses always reports usage", "cosmetic")

    def include(self) -> list[str] | None:
        """A client of another dialect keeps the conversation itself, so the thought that it asks for has to be sent along,
        encrypted: an item's id alone means nothing where nothing is stored."""
        wish = self.request.reasoning
        thinks = wish is not None and wish.mode != "disabled" and wish.effort != "none"
        return [ENCRYPTED] if thinks and self.request.protocol != NAME else None

    def extras(self, extras: Extras, path: str) -> Json:
        for origin, fields in extras.items():
            if origin != NAME:
                for name in fields:
                    self.losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only")
        return dict(extras.get(NAME, {}))

    # conversation

    def instructions(self) -> tuple[str | None, Sequence[Message]]:
        messages = self.request.messages
        first = messages[0] if messages else None
        if first is None or first.role != "system" or not first.plain or first.extras:
            return None, messages
        text = first.content[0] if first.content else None
        if not isinstance(text, Text) or text.cache is not None:
            return None, messages
        return text.text, messages[1:]

    def input(self, messages: Sequence[Message], offset: int) -> str | list[Json]:
        only = messages[0] if len(messages) == 1 else None
        if only is not None and only.role == "user" and only.plain and not only.extras:
            text = only.content[0]
            if isinstance(text, Text) and text.cache is None:
                return text.text
        items: list[Json] = []
        for index, message in enumerate(messages):
            items.extend(self.message(f"messages[{index + offset}]", message))
        return items

    def message(self, path: str, message: Message) -> list[Json]:
        if message.name is not None:
            self.losses.add(f"{path}.name", "Responses has no names of speakers", "cosmetic")
        if message.role == "assistant":
            self.extras(message.extras, f"{path}.")
            return self.assistant(path, message.content)
        if message.role == "tool":
            found = [self.result(f"{path}.content[{i}]", part) for i, part in enumerate(message.content)]
            return [item for item in found if item is not None]
        role = message.role
        if role == "developer" and not self.target.developer_role:
            role = "system"
            self.losses.add(f"{path}.role", "the target knows no developer role", "cosmetic")
        body: Json = {"type": "message", "role": role, "content": self.content(path, message)}
        return [body | self.extras(message.extras, f"{path}.")]

    def content(self, path: str, message: Message) -> str | list[Json]:
        first = message.content[0] if message.content else None
        if message.plain and isinstance(first, Text) and len(message.content) == 1:
            self.mark(f"{path}.content[0]", first)
            return first.text
        return self.parts(path, message.content)

    def parts(self, path: str, parts: Iterable[AnyPart]) -> list[Json]:
        rendered = [self.part(f"{path}.content[{i}]", part) for i, part in enumerate(parts)]
        return [part for part in rendered if part is not None]

    def part(self, path: str, part: AnyPart) -> Json | None:
        self.mark(path, part)
        if isinstance(part, Text):
            return {"type": "input_text", "text": part.text} | self.extras(part.extras, f"{path}.")
        if isinstance(part, Media):
            return _MEDIA[part.kind](self, path, part)
        if isinstance(part, Opaque) and part.origin.protocol == NAME:
            return dict(split(part.data))
        what = part.type if isinstance(part, Opaque) else type(part).__name__
        self.losses.add(path, f"Responses has no place for {what} here", "content")
        return None

    def mark(self, path: str, part: AnyPart) -> None:
        if getattr(part, "cache", None) is not None:
            self.losses.add(f"{path}.cache", "Responses takes no cache marks", "cosmetic")

    def image(self, path: str, part: Media) -> Json | None:
        body: Json = {"type": "input_image"}
        if part.detail is not None:
            body["detail"] = part.detail
        if part.data is not None:
            body["image_url"] = data_url(part.media_type or "image/png", part.data)
        elif part.url is not None:
            body["image_url"] = part.url
        elif self.request.protocol == NAME:
            body["file_id"] = part.file_id
        else:
            self.losses.add(path, "an uploaded file is known to its own vendor only", "content")
            return None
        return body | self.extras(part.extras, f"{path}.")

    def document(self, path: str, part: Media) -> Json | None:
        for name in ("title", "context", "citations"):
            if getattr(part, name) is not None and name != "title":
                self.losses.add(f"{path}.{name}", f"Responses has no {name} of a document", "cosmetic")
        if part.text is not None:
            return {"type": "input_text", "text": part.text}
        body: Json = {"type": "input_file"}
        if part.filename or part.title:
            body["filename"] = part.filename or part.title
        if part.data is not None:
            body["file_data"] = data_url(part.media_type or "application/pdf", part.data)
            body.setdefault("filename", "document.pdf")
        elif part.url is not None:
            body["file_url"] = part.url
        elif part.file_id is not None and self.request.protocol != "anthropic_messages":
            body["file_id"] = part.file_id
        else:
            self.losses.add(path, "an uploaded file is known to its own vendor only", "content")
            return None
        return body | self.extras(part.extras, f"{path}.")

    def audio(self, path: str, part: Media) -> Json | None:
        if part.data is None:
            self.losses.add(path, "Responses takes sound as base64 only", "content")
            return None
        kind = (part.media_type or "audio/wav").removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}

    def video(self, path: str, part: Media) -> Json | None:
        self.losses.add(path, "Responses takes no video", "content")
        return None

    # assistant turns

    def assistant(self, path: str, parts: Sequence[AnyPart]) -> list[Json]:
        items: list[Json] = []
        for index, part in enumerate(parts):
            where = f"{path}.content[{index}]"
            self.mark(where, part)
            item = _ASSISTANT[type(part)](self, where, part)
            if item is not None and not self.joined(items, item):
                items.append(item)
        return items

    def joined(self, items: list[Json], item: Json) -> bool:
        """Parts of one message item (they carry the same id) stand in one item again."""
        last = items[-1] if items else None
        if last is None or item.get("type") != "message" or last.get("type") != "message":
            return False
        if item.get("id") is None or item["id"] != last.get("id"):
            return False
        last["content"] += item["content"]
        return True

    def said(self, path: str, part: Text) -> Json:
        content: Json = {"type": "output_text", "text": part.text}
        if part.citations:
            content["annotations"] = [render_citation(citation) for citation in part.citations]
        item: Json = {"type": "message", "role": "assistant", "content": [content]}
        return item | self.extras(part.extras, f"{path}.")

    def refused(self, path: str, part: Refusal) -> Json:
        return {"type": "message", "role": "assistant", "content": [refusal_part(part.text)]}

    def thought(self, path: str, part: Reasoning) -> Json | None:
        if not part.origin.fits(self.target.origin) or self.target.replay_reasoning == "never":
            self.losses.add(path, "reasoning is replayed to the provider that it came from only", "cosmetic")
            return None
        item = reasoning_item(part, "")
        if not item["id"]:
            del item["id"]
        return item

    def call(self, path: str, part: ToolCall) -> Json:
        if part.kind == "custom":
            item: Json = {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
        else:
            arguments = part.arguments or "{}"
            item = {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": arguments}
        if part.namespace is not None:
            item["namespace"] = part.namespace
        return item | self.extras(part.extras, f"{path}.")

    def result(self, path: str, part: AnyPart) -> Json | None:
        if not isinstance(part, ToolResult):
            return self.opaque(path, part)
        self.mark(path, part)
        kind = "custom_tool_call_output" if part.kind == "custom" else "function_call_output"
        texts = [p for p in part.content if isinstance(p, Text)]
        if part.is_error is not None:
            self.losses.add(f"{path}.is_error", "Responses marks no errors; the text says so", "cosmetic")
        if part.name is not None:
            self.losses.add(f"{path}.name", "Responses results name no tool", "cosmetic")
        prefix = "Error: " if part.is_error else ""
        output: str | list[Json] = prefix + "".join(text.text for text in texts)
        if len(texts) < len(part.content) or not part.plain:
            output = ([{"type": "input_text", "text": prefix}] if prefix else []) + self.parts(path, part.content)
        item: Json = {"type": kind, "call_id": part.call_id, "output": output}
        return item | self.extras(part.extras, f"{path}.")

    def opaque(self, path: str, part: AnyPart) -> Json | None:
        if isinstance(part, Opaque) and part.origin.protocol == NAME:
            return dict(split(part.data))
        what = f"{part.type} of {part.origin.protocol}" if isinstance(part, Opaque) else type(part).__name__
        self.losses.add(path, f"Responses has no place for {what} here", "content")
        return None

    # tools

    def tools(self) -> list[Any]:
        rendered: list[Any] = []
        spaces: dict[str, Json] = {}
        for index, tool in enumerate(self.request.tools):
            path = f"tools[{index}]"
            if isinstance(tool, ServerTool):
                if tool.origin == NAME:
                    rendered.append(tool.data)
                else:
                    self.losses.add(path, f"the server tool {tool.type} exists at {tool.origin} only", "content")
                continue
            body = self.tool(path, tool)
            if tool.namespace is None:
                rendered.append(body)
                continue
            space = spaces.get(tool.namespace)
            if space is None:
                space = spaces[tool.namespace] = {"type": "namespace", "name": tool.namespace, "tools": []}
                if tool.namespace_description is not None:
                    space["description"] = tool.namespace_description
                rendered.append(space)
            space["tools"].append(body)
        return rendered

    def tool(self, path: str, tool: Tool) -> Json:
        body: Json = {"type": tool.kind, "name": tool.name}
        said = {"description": tool.description, "format": tool.format, "defer_loading": tool.deferred}
        if tool.kind == "function":
            said |= {"parameters": tool.parameters, "strict": tool.strict}
        body |= {name: value for name, value in said.items() if value is not None}
        if tool.strict is None and tool.kind == "function" and self.request.protocol != NAME:
            body["strict"] = False  # Responses would make it strict; the other dialects' silence means that it is not
        if tool.cache is not None:
            self.losses.add(f"{path}.cache", "Responses takes no cache marks", "cosmetic")
        return body | self.extras(tool.extras, f"{path}.")

    def choice(self, choice: ToolChoice | None) -> Any:
        if choice is None:
            return None
        if choice.mode == "native":
            if choice.origin == NAME:
                return choice.native
            self.losses.add("tool_choice", f"this choice is understood by {choice.origin} only")
            return None
        if choice.mode == "named":
            return {"type": choice.kind, "name": choice.name}
        return choice.mode

    # parameters

    def sampling(self) -> Json:
        sampling = self.request.sampling
        if (sampling.n or 1) > 1:
            raise ClientError(Kind.UNSUPPORTED, "Responses gives one answer a request; n must be 1.", param="n")
        for name in sampling.__struct_fields__:
            if name not in _SAMPLED and getattr(sampling, name) is not None:
                self.losses.add(f"sampling.{name}", f"Responses has no {name}")
        said = {name: value for name in _SAMPLED if (value := getattr(sampling, name)) is not None}
        if not self.target.sampling:
            for name in said:
                self.losses.add(f"sampling.{name}", "the model takes no sampling parameters")
            return {}
        return said

    def reasoning(self) -> Json | None:
        wish = self.request.reasoning
        if wish is None:
            return None
        effort = wish.effort
        if wish.mode == "disabled":
            effort = "none"
        elif effort is None and (wish.mode is not None or wish.budget is not None):
            effort = self.effort()
        if wish.mode is not None or wish.budget is not None:
            self.losses.add("reasoning", "Responses takes a level of effort", "cosmetic")
        if wish.exclude is not None:
            self.losses.add("reasoning.exclude", "Responses shows summaries only", "cosmetic")
        summary = wish.summary
        if summary in ("summarized", "omitted", "updates"):
            self.losses.add("reasoning.summary", "this form of summary is Anthropic's", "cosmetic")
            summary = None
        elif summary is None and self.request.protocol != NAME and effort != "none":
            summary = "auto"  # the other dialects show thought unless told not to; Responses shows none unless asked
        said = {"effort": effort, "summary": summary}
        body = {name: value for name, value in said.items() if value is not None}
        return (body | self.extras(wish.extras, "reasoning.")) or None

    def effort(self) -> str:
        """The level nearest to a token budget, by its share of the answer's limit."""
        wish = self.request.reasoning
        assert wish is not None
        if wish.budget is None:
            return "medium"
        share = wish.budget / (self.request.max_tokens or self.target.max_output or 32_768)
        return min(_SHARES, key=lambda name: abs(_SHARES[name] - share))

    def text_options(self) -> Json | None:
        request = self.request
        said: Json = {}
        if request.output is not None:
            said["format"] = render_format(request.output)
        if request.verbosity is not None:
            said["verbosity"] = request.verbosity
        return said or None


class RequestEcho(_Body):
    """The parts of a request that a Response object repeats."""

    def echo(self) -> Json:
        request = self.request
        instructions, _ = self.instructions()
        said: Json = {
            "instructions": instructions,
            "max_output_tokens": request.max_tokens,
            "parallel_tool_calls": request.parallel_tool_calls,
            "previous_response_id": request.continues,
            "store": request.store,
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "tool_choice": self.choice(request.tool_choice),
            "tools": [_complete(tool) for tool in self.tools()] or None,
            "metadata": request.metadata,
            "user": request.user,
        }
        if request.output is not None or request.verbosity is not None:
            said["text"] = {"format": {"type": "text"}} | (self.text_options() or {})
        wish = request.reasoning
        if wish is not None:
            said["reasoning"] = {"effort": wish.effort, "summary": wish.summary}
        return {name: value for name, value in said.items() if value is not None}


def _complete(tool: Any) -> Any:
    """A tool with the fields that the SDK's strict types demand of an echoed one."""
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind == "function":
        return {"parameters": None, "strict": None} | tool
    if kind == "namespace":
        return {"description": ""} | tool | {"tools": [_complete(inner) for inner in tool["tools"]]}
    return tool


def render_format(output: OutputFormat) -> Json:
    """A text.format object."""
    if output.kind != "json_schema":
        return {"type": output.kind}
    body: Json = {"type": "json_schema", "name": output.name or "response"}
    for name in ("description", "schema", "strict"):
        if (value := getattr(output, name)) is not None:
            body[name] = value
    return body


_SAMPLED = ("temperature", "top_p", "top_logprobs")
# OpenRouter's published shares (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-08)
_SHARES = {"xhigh": 0.95, "high": 0.8, "medium": 0.5, "low": 0.2, "minimal": 0.1}

_MEDIA: dict[str, Callable[[_Body, str, Media], Json | None]] = {
    "image": _Body.image,
    "document": _Body.document,
    "audio": _Body.audio,
    "video": _Body.video,
}
_ASSISTANT: dict[type, Callable[[_Body, str, Any], Json | None]] = {
    Text: _Body.said,
    Refusal: _Body.refused,
    Reasoning: _Body.thought,
    ToolCall: _Body.call,
    Opaque: _Body.opaque,
    Media: _Body.opaque,
    ToolResult: _Body.result,
}
