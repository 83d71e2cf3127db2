"""`AsyncClient`: chat, streams, images and tool loops over any provider, in process.

It asks the engine in the Chat dialect, so everything that holds for the gateway holds here: fallback, retries, the
ledger, losses.  `Client` (client.py) is the same for code without an event loop.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from hexapla.chinese import in_chinese
from hexapla.config import Config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask, OnLoss
from hexapla.engine.gateway import Gateway
from hexapla.errors import ClientError, GatewayError, Kind
from hexapla.ir.content import Text
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, TextDelta
from hexapla.ir.fold import Fold
from hexapla.protocols import PROTOCOLS
from hexapla.sdk.answer import Answer
from hexapla.sdk.inbox import Inbox
from hexapla.sdk.media import image_url
from hexapla.sdk.tools import ToolBox, ToolLike

Prompt = str | Sequence[Mapping[str, Any]]
"""What the user says, or a whole conversation in the shape of the Chat dialect."""

_CHAT = PROTOCOLS["openai_chat"]


class AsyncStream:
    """An answer that is still coming: iterate for text pieces; afterwards `answer` holds the whole."""

    def __init__(self, inbox: Inbox, work: asyncio.Task[None]) -> None:
        self._inbox = inbox
        self._work = work
        self._fold = Fold()
        self.answer: Answer | None = None
        weakref.finalize(self, _give_up, work.get_loop(), work).atexit = False  # nobody need ever iterate

    async def __aiter__(self) -> AsyncIterator[str]:
        decoder = _CHAT.decoder()
        texts: set[int] = set()
        try:
            await self._inbox.begun()
            if self._inbox.status >= 400:
                raise _CHAT.parse_error(self._inbox.status, self._inbox.headers, await self._inbox.read())
            async for data in self._inbox.parts():
                for piece in self._take(decoder.feed(data), texts):
                    yield piece
            for piece in self._take(decoder.close(), texts):
                yield piece
            self.answer = _answer(self._fold.response(), self._inbox)
        finally:
            self._work.cancel()

    def _take(self, events: list[AnyEvent], texts: set[int]) -> list[str]:
        """Fold events; return the text among them."""
        pieces = []
        for event in events:
            self._fold.feed(event)
            if isinstance(event, BlockStart) and isinstance(event.part, Text):
                texts.add(event.index)
            elif isinstance(event, BlockDelta) and event.index in texts and isinstance(event.delta, TextDelta):
                pieces.append(event.delta.text)
        return pieces


def _give_up(loop: asyncio.AbstractEventLoop, work: asyncio.Task[None]) -> None:
    """End the request of a stream that is forgotten, from whatever thread forgets it."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(work.cancel)


class AsyncClient:
    """Every provider behind one object.

    config   a Config, a path to hexapla.toml, or None for the usual search (none is needed)
    model    the default: `provider/model`, a catalogue name, an alias or a scenario (fast smart powerful cheap code)
    on_loss  allow | warn | strict, for requests that a provider cannot carry whole
    language "zh" says in Chinese why no model could answer, "en" in English; None: as $HEXAPLA_LANG has it, else English

    Keys come from the environment, `.env` and the configuration, as for the server.  Use it as an async context
    manager, or call `aclose`.  It belongs to the event loop in which it is used; after that one has ended (`asyncio.run`
    makes and ends one), to the next.
    """

    def __init__(
        self,
        config: Config | Path | str | None = None,
        *,
        model: str = "fast",
        on_loss: OnLoss | None = None,
        language: str | None = None,
    ) -> None:
        self._config = config
        self._gateway = open_gateway(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._model = model
        self._on_loss = on_loss
        chosen = os.environ.get("HEXAPLA_LANG", "") if language is None else language
        self._chinese = chosen.lower().startswith("zh")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End what still runs, and close connections and the ledger."""
        await self._end_running()
        await self._gateway.aclose()

    async def _end_running(self) -> None:
        self._here().stop()
        while self._gateway.running:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)

    def _here(self) -> Gateway:
        """The engine, in the running loop: connections and timers do not outlive the loop that made them."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return self._gateway
        if self._loop is not None:
            if not self._loop.is_closed():
                raise RuntimeError("This AsyncClient is used in another event loop; make one for each, or use Client.")
            self._gateway.books.ledger.close()
            self._gateway = open_gateway(self._config)
        self._loop = loop
        return self._gateway

    async def chat(
        self,
        prompt: Prompt,
        *,
        model: str | None = None,
        system: str | None = None,
        fallback_models: Sequence[str] = (),
        **fields: Any,
    ) -> Answer:
        """Ask once and return the whole answer.

        fields  anything else that the Chat dialect knows: temperature, max_tokens, tools, response_format ...

        Raises GatewayError with its kind, status and message when no model could answer.
        """
        if fields.get("stream"):
            raise ClientError(Kind.INVALID_REQUEST, "`chat` gives a whole answer; `chat_stream` is for streams.")
        inbox = Inbox(depth=0)
        await self._here().generate(self._ask(prompt, model, system, fallback_models, fields), inbox)
        body = await inbox.read()
        if inbox.status >= 400:
            raise _CHAT.parse_error(inbox.status, inbox.headers, body)
        return _answer(_CHAT.parse_response(body), inbox)

    def chat_stream(
        self,
        prompt: Prompt,
        *,
        model: str | None = None,
        system: str | None = None,
        fallback_models: Sequence[str] = (),
        **fields: Any,
    ) -> AsyncStream:
        """Ask and iterate over text pieces as they come: `async for piece in client.chat_stream(...)`."""
        fields = {"stream": True, "stream_options": {"include_usage": True}, **fields}
        inbox = Inbox()
        ask = self._ask(prompt, model, system, fallback_models, fields)
        return AsyncStream(inbox, asyncio.get_running_loop().create_task(self._here().generate(ask, inbox)))

    async def chat_with_image(
        self, prompt: str, image: str | Path | bytes, *, detail: str | None = None, **options: Any
    ) -> Answer:
        """Ask about an image: a path, an http(s) or data: URL, or its bytes.  `options` as for `chat`."""
        part: dict[str, Any] = {"url": image_url(image)}
        if detail is not None:
            part["detail"] = detail
        content = [{"type": "text", "text": prompt}, {"type": "image_url", "image_url": part}]
        return await self.chat([{"role": "user", "content": content}], **options)

    async def chat_with_tools(
        self,
        prompt: Prompt,
        tools: Sequence[ToolLike],
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        max_iterations: int = 10,
        system: str | None = None,
        **options: Any,
    ) -> Answer:
        """Let the model call tools until it answers.

        tools      Python functions (also async ones), or schemas with their `functions` by name
        options    as for `chat`; a tool_choice that forces a call holds for the first answer, or there would be no end
        Raises GatewayError(timeout) when the model still wants tools after `max_iterations` answers.
        """
        box = ToolBox(tools, functions)
        messages = _messages(prompt, system)
        for _ in range(max_iterations):
            answer = await self.chat(messages, tools=box.schemas, **options)
            if not answer.tool_calls:
                return answer
            messages.append(answer.message)
            if options.get("tool_choice") not in _FREE:
                options["tool_choice"] = "auto"
            for call in answer.tool_calls:
                result = await box.run(call.name, call.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        message = f"The model still called tools after {max_iterations} rounds; raise max_iterations."
        raise GatewayError(Kind.TIMEOUT, in_chinese(message) if self._chinese else message)

    def _ask(
        self,
        prompt: Prompt,
        model: str | None,
        system: str | None,
        fallback_models: Sequence[str],
        fields: Mapping[str, Any],
    ) -> Ask:
        body = {"model": model or self._model, "messages": _messages(prompt, system), **fields}
        if fallback_models:
            body["models"] = [fallback_models] if isinstance(fallback_models, str) else list(fallback_models)
        try:
            encoded = msgspec.json.encode(body, enc_hook=_plain)
        except (TypeError, ValueError) as error:
            raise ClientError(Kind.INVALID_REQUEST, f"The question cannot be written as JSON: {error}.") from None
        return Ask(protocol="openai_chat", body=encoded, on_loss=self._on_loss, chinese=self._chinese)


def _messages(prompt: Prompt, system: str | None) -> list[Mapping[str, Any]]:
    messages: list[Mapping[str, Any]] = [{"role": "system", "content": system}] if system else []
    if isinstance(prompt, str):
        return [*messages, {"role": "user", "content": prompt}]
    if isinstance(prompt, bytes | Mapping) or not isinstance(prompt, Iterable):
        raise ClientError(Kind.INVALID_REQUEST, _NO_PROMPT.format(type(prompt).__name__))
    return [*messages, *prompt]


def _plain(value: object) -> str:
    """An answer, as a piece of the next question.  Raises TypeError for anything else that JSON does not know."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


_FREE = (None, "auto", "none")
"""Choices that force no call."""

_NO_PROMPT = 'A prompt is text or a list of messages such as {{"role": "user", "content": "Hello"}}, not {}.'


def _answer(response: Any, inbox: Inbox) -> Answer:
    headers = inbox.headers
    losses = [name.strip() for name in headers.get("x-hexapla-losses", "").split(",") if name.strip()]
    return Answer.of(
        response,
        answer_id=headers.get("x-request-id", ""),
        provider=headers.get("x-hexapla-provider", ""),
        losses=losses,
    )
