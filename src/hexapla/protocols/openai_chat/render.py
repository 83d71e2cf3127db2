"""A request as a Chat Completions body.

Only what was said is emitted.  What Chat, or this target, cannot say is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Raw

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import AnyPart, CacheMark, Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.openai_chat.effort import render_effort
from hexapla.protocols.openai_chat.reasoning import DETAILS, FORMS, PART, listed
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.wire.media import data_url
from hexapla.wire.rawjson import dump, join, split

Json = dict[str, Any]


def render_request(request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
    """Request -> upstream body."""
    body = _Body(request, target, losses)
    return join({name: dump(value) for name, value in body.fields().items()})


class _Body:
    """One rendering: the request, whom it is for, and what was lost so far."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self.request = request
        self.target = target
        self.losses = losses

    def fields(self) -> Json:
        request, target = self.request, self.target
        body: Json = {"model": request.model, "messages": self.messages()}
        tools = [self.tool(index, tool) for index, tool in enumerate(request.tools)]
        said: Json = {
            "tools": [tool for tool in tools if tool is not None] or None,
            "tool_choice": self.choice(request.tool_choice),
            "parallel_tool_calls": request.parallel_tool_calls if request.tools else None,
            target.max_tokens_field or "max_tokens": request.max_tokens,
            **self.sampling(),
            **render_effort(request, target, self.losses),
            "response_format": self.output(),
            "verbosity": request.verbosity,
            "user": request.user,
            "metadata": request.metadata,
            "service_tier": request.service_tier,
            "store": request.store,
            "prompt_cache_key": request.cache_key,
            "safety_identifier": request.safety_identifier,
            "cache_control": self.mark(request.cache, "cache"),
        }
        body |= {name: value for name, value in said.items() if value is not None}
        for name in target.unsupported:
            self.refused(body, name)
        self.stream(body)
        if request.continues is not None:
            self.losses.add("continues", "Chat Completions has no stored conversations", "content")
        if request.betas:
            self.losses.add("betas", "beta headers are Anthropic's", "cosmetic")
        return body | self.extras(request.extras, "")

    def stream(self, body: Json) -> None:
        if not self.request.stream:
            return
        body["stream"] = True
        if self.target.stream_usage:
            body["stream_options"] = {"include_usage": True}

    def refused(self, body: Json, path: str) -> None:
        """Take out a field that this provider refuses."""
        name = path.rpartition(".")[2]
        if body.pop(name, None) is not None:
            self.losses.add(path, f"{self.target.origin.provider} refuses {name}")

    def extras(self, extras: Extras, path: str) -> Json:
        """Unknown fields of our own protocol; those of others are losses."""
        for origin, fields in extras.items():
            if origin != NAME:
                for name in fields:
                    self.losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only")
        return dict(extras.get(NAME, {}))

    # conversation

    def messages(self) -> list[Json]:
        rendered: list[Json] = []
        for index, message in enumerate(self.request.messages):
            rendered.extend(self.message(index, message))
        return rendered

    def message(self, index: int, message: Message) -> list[Json]:
        path = f"messages[{index}]"
        if message.role == "tool":
            return self.results(path, message)
        if message.role == "assistant":
            return [self.assistant(path, message)]
        role = message.role
        if role == "developer" and not self.target.developer_role:
            role = "system"
            self.losses.add(f"{path}.role", "the target knows no developer role", "cosmetic")
        body: Json = {"role": role, "content": self.content(path, message.content, plain=message.plain)}
        if message.name is not None:
            body["name"] = message.name
        return [body | self.extras(message.extras, f"{path}.")]

    def content(self, path: str, parts: Iterable[AnyPart], *, plain: bool) -> str | list[Json]:
        """Content as a string where it was one or the target wants one, else as parts."""
        listed = list(parts)
        texts = [part.text for part in listed if isinstance(part, Text)]
        if plain and len(texts) == len(listed) == 1 and getattr(listed[0], "cache", None) is None:
            return texts[0]
        if self.target.content_strings and len(texts) == len(listed):
            return "\n\n".join(texts)
        rendered = [self.part(f"{path}.content[{i}]", part) for i, part in enumerate(listed)]
        return [part for part in rendered if part is not None]

    def part(self, path: str, part: AnyPart) -> Json | None:
        render = _RENDER.get(type(part))
        if render is None:
            self.losses.add(path, f"Chat Completions has no place for {type(part).__name__} here", "content")
            return None
        body = render(self, path, part)
        cache = self.mark(getattr(part, "cache", None), f"{path}.cache")
        if body is not None and cache is not None:
            body["cache_control"] = cache
        return body

    def text(self, path: str, part: Text) -> Json:
        if part.citations:
            self.losses.add(f"{path}.citations", "Chat Completions takes no citations in a history", "cosmetic")
        return {"type": "text", "text": part.text} | self.extras(part.extras, f"{path}.")

    def refusal(self, path: str, part: Refusal) -> Json:
        return {"type": "refusal", "refusal": part.text}

    def media(self, path: str, part: Media) -> Json | None:
        body = _MEDIA[part.kind](self, path, part)
        for name in ("title", "context", "citations"):
            if getattr(part, name) is not None:
                self.losses.add(f"{path}.{name}", f"Chat Completions has no {name} of a document", "cosmetic")
        return body

    def image(self, path: str, part: Media) -> Json | None:
        url = part.url or (data_url(part.media_type, part.data) if part.data is not None else None)
        if url is None:
            self.losses.add(path, "an uploaded file is known to its own vendor only", "content")
            return None
        inner: Json = {"url": url}
        if part.detail is not None:
            inner["detail"] = part.detail
        return {"type": "image_url", "image_url": inner} | self.extras(part.extras, f"{path}.")

    def video(self, path: str, part: Media) -> Json | None:
        url = part.url or (data_url(part.media_type, part.data) if part.data is not None else None)
        if url is None:
            self.losses.add(path, "an uploaded file is known to its own vendor only", "content")
            return None
        inner: Json = {"url": url} | ({"detail": part.detail} if part.detail else {})
        return {"type": "video_url", "video_url": inner | self.extras(part.extras, f"{path}.")}

    def audio(self, path: str, part: Media) -> Json | None:
        if part.data is None:
            self.losses.add(path, "Chat Completions takes sound as base64 only", "content")
            return None
        kind = (part.media_type or "audio/wav").removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}

    def document(self, path: str, part: Media) -> Json | None:
        if part.text is not None:
            return {"type": "text", "text": part.text}
        inner: Json = {"filename": part.filename or part.title} if part.filename or part.title else {}
        if part.file_id is not None:
            inner["file_id"] = part.file_id
        elif part.data is not None:
            inner["file_data"] = data_url(part.media_type or "application/pdf", part.data)
            inner.setdefault("filename", "document.pdf")
        elif part.url is not None:
            inner["file_data"] = part.url  # OpenRouter takes a URL here (openrouter.ai/docs/features/multimodal/pdfs)
            inner.setdefault("filename", part.url.rpartition("/")[2] or "document")
        return {"type": "file", "file": inner | self.extras(part.extras, f"{path}.")}

    def opaque(self, path: str, part: Opaque) -> Json | None:
        if part.origin.protocol != NAME:
            self.losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
            return None
        return dict(split(part.data))

    # assistant turns and tools

    def assistant(self, path: str, message: Message) -> Json:
        body: Json = {"role": "assistant"}
        said: list[AnyPart] = []
        calls: list[Json] = []
        for index, part in enumerate(message.content):
            where = f"{path}.content[{index}]"
            if isinstance(part, ToolCall):
                calls.append(self.call(where, part))
            elif isinstance(part, Reasoning):
                self.thought(body, said, where, part)
            else:
                said.append(part)
        body["content"] = self.spoken(path, said, body, plain=message.plain)
        if calls:
            body["tool_calls"] = calls
        if message.name is not None:
            body["name"] = message.name
        return body | self.extras(message.extras, f"{path}.")

    def spoken(self, path: str, parts: list[AnyPart], body: Json, *, plain: bool) -> str | list[Json] | None:
        """An assistant turn's content: one string where possible, since many servers take nothing else."""
        refusals = [part.text for part in parts if isinstance(part, Refusal)]
        if refusals and len(refusals) == len(parts):
            body["refusal"] = "".join(refusals)
            return None
        if not parts:
            return None
        texts = [part for part in parts if isinstance(part, Text) and part.cache is None and not part.extras]
        if len(texts) == len(parts):
            if any(part.citations for part in texts):
                self.losses.add(f"{path}.citations", "Chat Completions takes no citations in a history", "cosmetic")
            if plain or len(texts) == 1 or self.target.content_strings:
                return "".join(part.text for part in texts)
        rendered = [self.part(f"{path}.content[{i}]", part) for i, part in enumerate(parts)]
        return [part for part in rendered if part is not None]

    def thought(self, body: Json, said: list[AnyPart], path: str, part: Reasoning) -> None:
        """Replay thought to whom it came from, in the field in which it came.  Relayed details go back to the relay."""
        policy, ours = self.target.replay_reasoning, part.origin.fits(self.target.origin)
        fits = ours or part.details is not None
        if policy == "never" or not (fits or (policy == "always" and part.readable)):
            self.losses.add(path, "reasoning is replayed to the provider that it came from only", "cosmetic")
            return
        if part.form == PART and ours:
            said.append(Opaque(origin=self.target.origin, type="thinking", data=_thinking_part(part)))
            return
        form = part.form if fits and part.form in (*FORMS, DETAILS) else "reasoning_content"
        if part.readable and form != DETAILS:
            body[form] = body.get(form, "") + part.readable
        if part.details is not None:
            body["reasoning_details"] = [*body.get("reasoning_details", ()), *listed(part.details)]
        elif ours and part.encrypted is not None:
            body["reasoning_opaque"] = part.encrypted

    def call(self, path: str, part: ToolCall) -> Json:
        if part.kind == "custom":
            body: Json = {"id": part.id, "type": "custom", "custom": {"name": part.name, "input": part.arguments}}
        else:
            function = {"name": part.name, "arguments": part.arguments or "{}"}
            body = {"id": part.id, "type": "function", "function": function}
        cache = self.mark(part.cache, f"{path}.cache")
        if cache is not None:
            body["cache_control"] = cache
        if part.namespace is not None:
            self.losses.add(f"{path}.namespace", "Chat Completions has no tool namespaces", "cosmetic")
        return body | self.extras(part.extras, f"{path}.")

    def results(self, path: str, message: Message) -> list[Json]:
        """One tool message a result; what a tool message cannot hold follows in a user message."""
        rendered: list[Json] = []
        moved: list[Json] = []
        for index, part in enumerate(message.content):
            if isinstance(part, ToolResult):
                rendered.append(self.result(f"{path}.content[{index}]", part, moved))
        if moved:
            rendered.append({"role": "user", "content": moved})
        return rendered

    def result(self, path: str, part: ToolResult, moved: list[Json]) -> Json:
        texts = [p for p in part.content if isinstance(p, Text)]
        others = [p for p in part.content if not isinstance(p, Text)]
        body: Json = {"role": "tool", "tool_call_id": part.call_id}
        if part.is_error:
            self.losses.add(f"{path}.is_error", "Chat Completions marks no errors; the text says so", "cosmetic")
            texts = [Text(text="Error: "), *texts]
        if (others and not self.target.tool_result_media) or any(isinstance(p, Media) for p in others):
            self.move(path, part.call_id, others, moved)
            others = []
        body["content"] = self.result_content(path, texts, others, plain=part.plain or bool(part.is_error))
        if part.name is not None:
            body["name"] = part.name
        cache = self.mark(part.cache, f"{path}.cache")
        if cache is not None:
            body["cache_control"] = cache
        return body | self.extras(part.extras, f"{path}.")

    def result_content(
        self, path: str, texts: list[Text], others: Sequence[AnyPart], *, plain: bool
    ) -> str | list[Json]:
        if not others and (plain or self.target.content_strings or len(texts) < 2):
            marked = any(text.cache is not None for text in texts)
            if not marked:
                return "".join(text.text for text in texts)
        return self.content(path, [*texts, *others], plain=False)

    def move(self, path: str, call_id: str, others: Sequence[AnyPart], moved: list[Json]) -> None:
        """Chat's tool messages hold text only: media follow in a user message that says whose they are."""
        rendered = [self.part(f"{path}.content", part) for part in others]
        kept = [part for part in rendered if part is not None]
        if kept:
            self.losses.add(f"{path}.content", "media of a tool result stand in a user message after it", "cosmetic")
            moved.append({"type": "text", "text": f"Content of the tool result for call {call_id}:"})
            moved.extend(kept)

    def tool(self, index: int, tool: Tool | ServerTool) -> Any:
        path = f"tools[{index}]"
        if isinstance(tool, ServerTool):
            if tool.origin != NAME:
                self.losses.add(path, f"the server tool {tool.type} exists at {tool.origin} only", "content")
                return None
            return tool.data
        inner: Json = {"name": tool.name}
        if tool.description is not None:
            inner["description"] = tool.description
        if tool.kind == "custom":
            inner |= {"format": tool.format} if tool.format is not None else {}
        elif tool.parameters is not None:
            inner["parameters"] = tool.parameters
        if tool.strict is not None:
            self.strict(inner, tool, path)
        for name in ("namespace", "namespace_description", "deferred"):
            if getattr(tool, name) is not None:
                self.losses.add(f"{path}.{name}", f"Chat Completions has no {name} of tools", "cosmetic")
        body: Json = {"type": tool.kind, tool.kind: inner | self.extras(tool.extras, f"{path}.")}
        cache = self.mark(tool.cache, f"{path}.cache")
        return body | ({"cache_control": cache} if cache is not None else {})

    def strict(self, inner: Json, tool: Tool, path: str) -> None:
        if self.target.strict_tools:
            inner["strict"] = tool.strict
        else:
            self.losses.add(f"{path}.strict", "the target knows no strict tools", "parameter")

    def choice(self, choice: ToolChoice | None) -> Any:
        if choice is None or not self.request.tools:
            return None
        if choice.mode == "native":
            if choice.origin == NAME:
                return choice.native
            self.losses.add("tool_choice", f"this choice is understood by {choice.origin} only")
            return None
        if choice.mode in ("required", "named") and not self.target.tool_choice_required:
            self.losses.add("tool_choice", "the target cannot be made to call a tool")
            return "auto"
        if choice.mode == "named":
            return {"type": choice.kind, choice.kind: {"name": choice.name}}
        return choice.mode

    # parameters

    def sampling(self) -> Json:
        sampling = self.request.sampling
        said = {name: getattr(sampling, name) for name in sampling.__struct_fields__}
        said = {name: value for name, value in said.items() if value is not None}
        if not self.target.sampling:
            for name in [name for name in _SAMPLED if name in said]:
                del said[name]
                self.losses.add(f"sampling.{name}", "the model takes no sampling parameters")
        if (said.get("n") or 1) > 1 and "sampling.n" in self.target.unsupported:
            raise ClientError(Kind.UNSUPPORTED, "The target gives one answer a request; n must be 1.", param="n")
        if "stop" in said:
            said["stop"] = list(said["stop"])
        return said

    def output(self) -> Json | None:
        output = self.request.output
        if output is None:
            return None
        if output.kind != "json_schema":
            return {"type": output.kind}
        schema: Json = {"name": output.name or "response"}
        for name in ("description", "schema", "strict"):
            if (value := getattr(output, name)) is not None:
                schema[name] = value
        return {"type": "json_schema", "json_schema": schema}

    def mark(self, cache: CacheMark | None, path: str) -> Json | None:
        if cache is None:
            return None
        if not self.target.cache_marks:
            self.losses.add(path, "the target takes no cache marks", "cosmetic")
            return None
        return {"type": cache.type} | ({"ttl": cache.ttl} if cache.ttl else {})


def _thinking_part(part: Reasoning) -> Raw:
    return dump({"type": "thinking", "thinking": [{"type": "text", "text": part.readable}]})


_SAMPLED = ("temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty")

_RENDER: dict[type, Callable[[_Body, str, Any], Json | None]] = {
    Text: _Body.text,
    Refusal: _Body.refusal,
    Media: _Body.media,
    Opaque: _Body.opaque,
}
_MEDIA: dict[str, Callable[[_Body, str, Media], Json | None]] = {
    "image": _Body.image,
    "video": _Body.video,
    "audio": _Body.audio,
    "document": _Body.document,
}
