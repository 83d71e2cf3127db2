"""One conversation through each official SDK, so that one test serves them all.

A talk holds the history as its SDK's users would, sends the SDK's own objects back, and tells what it heard as a `Said`.
Streams go through the SDKs' strict helpers (`chat.completions.stream()`, `responses.stream()`, `messages.stream()`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import anthropic
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types
from pydantic import BaseModel

KEY = "client-key"
TOOL = "get_weather"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Heard:
    """A tool call as the client saw it."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Said:
    """An answer.  `stop` is stop, tool or length; usage counts input (cached included), cached, output."""

    text: str
    stop: str
    usage: tuple[int, int, int]
    thought: str = ""
    calls: tuple[Heard, ...] = ()
    parsed: Any = None


@dataclass
class Talk:
    """One conversation.

    url     the server, without /v1
    stream  through the SDK's stream helper
    form    a pydantic class that the answer must fit
    think   ask for reasoning
    """

    url: str
    model: str
    stream: bool = False
    tools: bool = False
    form: type[BaseModel] | None = None
    think: bool = False
    system: str = ""
    history: list[Any] = field(default_factory=list)

    dialect: ClassVar[str]
    Error: ClassVar[type[Exception]]

    def say(self, text: str) -> Said:
        """The user's next words, and the answer."""
        self.history.append({"role": "user", "content": text})
        return self.ask()

    def ask(self) -> Said:
        """Send the history as it stands; the answer joins it."""
        raise NotImplementedError

    def results(self, results: dict[str, str]) -> None:
        """Put tool results into the history."""
        raise NotImplementedError

    def give(self, calls: tuple[Heard, ...], tell: Callable[[dict[str, Any]], str]) -> Said:
        """Answer every call with what `tell` says of its arguments."""
        self.results({call.id: tell(call.arguments) for call in calls})
        return self.ask()


class ChatTalk(Talk):
    """openai-python, Chat Completions.  `forgets`: it sends back what OpenAI's own answers have, as most programs do."""

    dialect = "chat"
    Error = openai.APIError
    forgets = False

    def ask(self) -> Said:
        with openai.OpenAI(base_url=f"{self.url}/v1", api_key=KEY, max_retries=0, timeout=30) as client:
            completion = self._completion(client.chat.completions)
        said = _echo(completion.choices[0].message)
        own = {"role", "content", "tool_calls"}
        self.history.append({name: value for name, value in said.items() if not self.forgets or name in own})
        return self._said(completion)

    def _completion(self, completions: Any) -> Any:
        request = self._request()
        if not self.stream:
            return (completions.parse if self.form else completions.create)(**request)
        try:
            with completions.stream(**request, stream_options={"include_usage": True}) as events:
                for _ in events:
                    pass
                return events.get_final_completion()
        except openai.LengthFinishReasonError as cut:  # the helper's way of saying `length`
            return cut.completion

    def _request(self) -> dict[str, Any]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        request: dict[str, Any] = {"model": self.model, "messages": [*system, *self.history]}
        if self.tools:
            function = {"name": TOOL, "description": "Weather.", "parameters": SCHEMA, "strict": True}
            request["tools"] = [{"type": "function", "function": function}]
        if self.form:
            request["response_format"] = self.form
        if self.think:
            request["reasoning_effort"] = "high"
        return request

    def _said(self, completion: Any) -> Said:
        choice, usage = completion.choices[0], completion.usage
        calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
        extra = choice.message.model_extra or {}
        return Said(
            text=choice.message.content or "",
            stop={"stop": "stop", "tool_calls": "tool", "length": "length"}[choice.finish_reason],
            usage=(usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens),
            thought=extra.get("reasoning_content") or extra.get("reasoning") or "",
            calls=tuple(Heard(key, name, json.loads(arguments)) for key, name, arguments in calls),
            parsed=getattr(choice.message, "parsed", None),
        )

    def results(self, results: dict[str, str]) -> None:
        self.history += [{"role": "tool", "tool_call_id": key, "content": said} for key, said in results.items()]


def _echo(message: Any) -> dict[str, Any]:
    """A Chat message as programs send it back: what came, without what the SDK's helpers added."""
    fields = message.model_dump(
        exclude_none=True, exclude={"parsed", "function_call", "refusal", "annotations", "audio"}
    )
    for call in fields.get("tool_calls", ()):
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    return fields


_KEPT = {"id", "type", "role", "content", "summary", "encrypted_content", "call_id", "name", "arguments", "status"}


class ResponsesTalk(Talk):
    """openai-python, Responses, without stored conversations."""

    dialect = "responses"
    Error = openai.APIError

    def ask(self) -> Said:
        with openai.OpenAI(base_url=f"{self.url}/v1", api_key=KEY, max_retries=0, timeout=30) as client:
            response = self._response(client.responses)
        for item in response.output:
            fields = item.model_dump(exclude_none=True, include=_KEPT)
            for part in fields.get("content", ()):
                part.pop("parsed", None)
            self.history.append(fields)
        return self._said(response)

    def _response(self, responses: Any) -> Any:
        request = self._request()
        if not self.stream:
            return (responses.parse if self.form else responses.create)(**request)
        last = None
        with responses.stream(**request) as events:
            for event in events:
                last = event
        assert last is not None
        if last.type not in ("response.completed", "response.incomplete"):
            raise openai.APIError(f"the stream ended with {last!r}", request=None, body=None)  # type: ignore[arg-type]
        return last.response

    def _request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self.model, "input": self.history, "store": False}
        if self.tools:
            tool = {"type": "function", "name": TOOL, "description": "Weather.", "parameters": SCHEMA, "strict": True}
            request["tools"] = [tool]
        if self.form:
            request["text_format"] = self.form
        if self.think:
            request |= {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
        return request | ({"instructions": self.system} if self.system else {})

    def _said(self, response: Any) -> Said:
        calls = [item for item in response.output if item.type == "function_call"]
        thoughts = [part.text for item in response.output if item.type == "reasoning" for part in item.summary]
        stop = "tool" if calls else {"completed": "stop", "incomplete": "length"}[response.status]
        usage = response.usage
        return Said(
            text=response.output_text,
            stop=stop,
            usage=(usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens),
            thought="".join(thoughts),
            calls=tuple(Heard(call.call_id, call.name, json.loads(call.arguments)) for call in calls),
            parsed=getattr(response, "output_parsed", None),
        )

    def results(self, results: dict[str, str]) -> None:
        kind = "function_call_output"
        self.history += [{"type": kind, "call_id": key, "output": said} for key, said in results.items()]


class MessagesTalk(Talk):
    """anthropic-python, Messages."""

    dialect = "messages"
    Error = anthropic.APIError

    def ask(self) -> Said:
        with anthropic.Anthropic(base_url=self.url, api_key=KEY, max_retries=0, timeout=30) as client:
            if self.stream:
                with client.messages.stream(**self._request()) as events:
                    for _ in events:
                        pass
                    message = events.get_final_message()
            elif self.form:
                message = client.messages.parse(**self._request())
            else:
                message = client.messages.create(**self._request())
        blocks = [
            block.model_dump(exclude_none=True, exclude={"parsed_output", "citations"}) for block in message.content
        ]
        self.history.append({"role": "assistant", "content": blocks})
        return self._said(message)

    def _request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self.model, "messages": self.history, "max_tokens": 4096}
        if self.tools:
            request["tools"] = [{"name": TOOL, "description": "Weather.", "input_schema": SCHEMA}]
        if self.form:
            request["output_format"] = self.form
        if self.think:
            request["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        return request | ({"system": self.system} if self.system else {})

    def _said(self, message: Any) -> Said:
        usage = message.usage
        cached = usage.cache_read_input_tokens or 0
        written = usage.cache_creation_input_tokens or 0
        of_kind = {kind: [b for b in message.content if b.type == kind] for kind in ("text", "thinking", "tool_use")}
        return Said(
            text="".join(block.text for block in of_kind["text"]),
            stop={"end_turn": "stop", "tool_use": "tool", "max_tokens": "length"}[message.stop_reason],
            usage=(usage.input_tokens + cached + written, cached, usage.output_tokens),
            thought="".join(block.thinking for block in of_kind["thinking"]),
            calls=tuple(Heard(block.id, block.name, block.input) for block in of_kind["tool_use"]),
            parsed=getattr(message, "parsed_output", None),
        )

    def results(self, results: dict[str, str]) -> None:
        kind = "tool_result"
        blocks = [{"type": kind, "tool_use_id": key, "content": said} for key, said in results.items()]
        self.history.append({"role": "user", "content": blocks})


class GeminiError(Exception):
    """google-genai's error with the fields that other SDKs' errors have."""

    def __init__(self, error: genai_errors.APIError) -> None:
        super().__init__(str(error))
        self.status_code = error.code
        self.response = error.response


class GeminiTalk(Talk):
    """google-genai, generateContent, with the functions called by hand."""

    dialect = "gemini"
    Error = GeminiError

    def say(self, text: str) -> Said:
        self.history.append(types.Content(role="user", parts=[types.Part(text=text)]))
        return self.ask()

    def ask(self) -> Said:
        options = types.HttpOptions(base_url=self.url, api_version="v1beta", timeout=30_000)
        with genai.Client(api_key=KEY, http_options=options) as client:
            try:
                chunks = self._chunks(client)
            except genai_errors.APIError as error:
                raise GeminiError(error) from error
        for chunk in chunks:
            if chunk.candidates and chunk.candidates[0].content:
                self.history.append(chunk.candidates[0].content)
        return self._said(chunks)

    def _chunks(self, client: genai.Client) -> list[types.GenerateContentResponse]:
        asked = {"model": self.model, "contents": self.history, "config": self._config()}
        if self.stream:
            return list(client.models.generate_content_stream(**asked))  # type: ignore[arg-type]
        return [client.models.generate_content(**asked)]  # type: ignore[arg-type]

    def _config(self) -> types.GenerateContentConfig:
        config = types.GenerateContentConfig(
            system_instruction=self.system or None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        if self.tools:
            function = types.FunctionDeclaration(name=TOOL, description="Weather.", parameters_json_schema=SCHEMA)
            config.tools = [types.Tool(function_declarations=[function])]
        if self.form:
            config.response_mime_type = "application/json"
            config.response_schema = self.form
        if self.think:
            config.thinking_config = types.ThinkingConfig(thinking_budget=2048, include_thoughts=True)
        return config

    def _said(self, chunks: list[types.GenerateContentResponse]) -> Said:
        found = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
        parts = [part for one in found if one.content for part in one.content.parts or ()]
        calls = [part.function_call for part in parts if part.function_call]
        reason = next((one.finish_reason.name for one in reversed(found) if one.finish_reason), "")
        usage = next(chunk.usage_metadata for chunk in reversed(chunks) if chunk.usage_metadata)
        text = "".join(part.text for part in parts if part.text and not part.thought)
        output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        return Said(
            text=text,
            stop="tool" if calls and reason == "STOP" else {"STOP": "stop", "MAX_TOKENS": "length"}[reason],
            usage=(usage.prompt_token_count or 0, usage.cached_content_token_count or 0, output),
            thought="".join(part.text for part in parts if part.text and part.thought),
            calls=tuple(Heard(c.id or f"#{n}", c.name or "", c.args or {}) for n, c in enumerate(calls)),
            parsed=self.form.model_validate_json(text) if self.form else None,
        )

    def results(self, results: dict[str, str]) -> None:
        answers = [
            types.FunctionResponse(id=None if key.startswith("#") else key, name=TOOL, response={"output": said})
            for key, said in results.items()
        ]
        parts = [types.Part(function_response=answer) for answer in answers]
        self.history.append(types.Content(role="user", parts=parts))


TALKS: tuple[type[Talk], ...] = (ChatTalk, ResponsesTalk, MessagesTalk, GeminiTalk)
