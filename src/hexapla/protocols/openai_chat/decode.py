"""Chat Completions streams, decoded.

What arrives out there (counted over 2,459 recorded streams): usage in a chunk without choices, in the finish chunk or
in every chunk; tool calls without index, with late or repeated ids, whole in one delta or in pieces; reasoning in five
fields; a finish reason twice, late or missing; errors under 200; comments, CRLF, no [DONE].  All of it is one state
machine with a method for each thing that a chunk can carry.

Terminal rules: a finish reason is the only sign of success.  [DONE] after it ends the stream, and so does a clean end
of the bytes.  [DONE] without one is a clean end without a reason.  Anything else is truncation.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import Kind, ProtocolError
from hexapla.ir.content import Citation, Media, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    CitationDelta,
    MessageStart,
    MessageStop,
    Ping,
    ReasoningDelta,
    StreamError,
    TextDelta,
    UsageReport,
)
from hexapla.ir.response import Stop, Usage
from hexapla.protocols.blocks import Blocks
from hexapla.protocols.failures import classify_value
from hexapla.protocols.openai_chat.parts import (
    audio_of,
    call_id,
    citation_of,
    content_pieces,
    image_of,
    json_text,
    signature_extras,
)
from hexapla.protocols.openai_chat.reasoning import ORIGIN, merge_details, readable
from hexapla.protocols.openai_chat.schema import (
    NAME,
    Choice,
    Chunk,
    CustomDelta,
    Delta,
    FunctionDelta,
    Logprobs,
    ToolDelta,
    XGroq,
    decode_chunk,
)
from hexapla.protocols.openai_chat.words import FAILED, stop_of, usage_of
from hexapla.wire.rawjson import dump, load
from hexapla.wire.sse import Frame, SSEDecoder

_DONE = b"[DONE]"


class _Call:
    """A tool call that is being put together."""

    __slots__ = ("arguments", "id", "key", "name", "open")

    def __init__(self, key: int) -> None:
        self.key = ("call", key)
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.open = False

    @property
    def whole(self) -> bool:
        """Whether the arguments are complete JSON, so that nothing can follow."""
        return bool(self.arguments) and load("".join(self.arguments).encode(), Any) is not None


class ChatDecoder:
    """See StreamDecoder.  `skipped` counts data lines that were no JSON."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._blocks = Blocks()
        self._events: list[AnyEvent] = []
        self._started = False
        self._choice: int | None = None  # the choice that is followed
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._details: list[Any] = []
        self._audio: dict[str, Any] = {}
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._comments = 0
        self.skipped = 0
        self.done = False
        self.settled = False

    def feed(self, data: bytes) -> list[AnyEvent]:
        if self.done:
            return []
        try:
            frames = self._sse.feed(data)
        except ProtocolError as error:
            self._fail(Kind.UPSTREAM_PROTOCOL, error.message)
            return self._take()
        if self._sse.comments != self._comments:
            self._comments = self._sse.comments
            self._events.append(Ping())
        for frame in frames:
            self._frame(frame)
        return self._take()

    def close(self) -> list[AnyEvent]:
        if self.done:
            return []
        for frame in self._sse.close():
            self._frame(frame)
        self._bytes_over()
        return self._take()

    def _bytes_over(self) -> None:
        if self.done:
            return
        if self._finish is not None:
            self._stop()
        else:
            self._fail(Kind.UPSTREAM_TRUNCATED, "The provider's stream ended before the answer was complete.")

    def _take(self) -> list[AnyEvent]:
        events, self._events = self._events, []
        return events

    def _frame(self, frame: Frame) -> None:
        if self.done:
            return
        data = frame.data.strip()
        if data == _DONE:
            self._end()
            return
        if not data:
            return
        try:
            chunk = decode_chunk.decode(data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            self._odd(frame.event, data)
            return
        if frame.event == "error" and not _present(chunk.error):
            self._error(data)
        else:
            self._chunk(chunk, data)

    def _odd(self, event: str, data: bytes) -> None:
        """A data line that is no chunk: an error in a form of its own, or noise."""
        value = load(data, dict[str, Any])
        if value is not None and (event == "error" or value.get("error") is not None):
            self._error(data)
        else:
            self.skipped += 1

    def _chunk(self, chunk: Chunk, data: bytes) -> None:
        if _present(chunk.error) or (chunk.choices is None and _failed_base(chunk.base_resp)):
            self._error(data)
            return
        if _present(chunk.x_groq):
            self._groq(chunk.x_groq)
        if _present(chunk.usage):
            self._report(usage_of(chunk.usage))
        for choice in chunk.choices or ():
            if self.done:
                return
            self._on_choice(chunk, choice)
        if chunk.citations and self._blocks.index("text") is not None:
            self._cite([citation_of(url) for url in chunk.citations])

    def _groq(self, raw: Raw) -> None:
        """Groq's own corner of a chunk: usage again, or an error (https://console.groq.com/docs, 2026-08)."""
        found = load(raw, XGroq)
        if found is None:
            return
        if _present(found.usage):
            self._report(usage_of(found.usage))
        if _present(found.error):
            self._error(b'{"error":' + bytes(found.error) + b"}")

    def _on_choice(self, chunk: Chunk, choice: Choice) -> None:
        if self._choice is None:
            self._choice = choice.index
        if choice.index is not None and choice.index != (self._choice or 0):
            return  # further choices: only the first one has a place in the other dialects
        self._start(chunk)
        if _present(choice.error):
            self._error(b'{"error":' + bytes(choice.error) + b"}")
            return
        if _present(choice.usage):
            self._report(usage_of(choice.usage))
        delta = choice.delta or choice.message
        if delta is not None:
            self._delta(delta, choice)
        elif choice.text:
            self._text(choice.text, choice)
        if choice.finish_reason:
            self._finished(choice.finish_reason)

    def _start(self, chunk: Chunk) -> None:
        if self._started:
            return
        self._started = True
        self._events.append(
            MessageStart(
                id=str(chunk.id) if chunk.id else None,
                model=chunk.model or None,
                created=int(chunk.created) if isinstance(chunk.created, int | float) else None,
                service_tier=chunk.service_tier,
                usage=self._usage,
                origin=NAME,
            )
        )

    def _delta(self, delta: Delta, choice: Choice) -> None:
        form, thought = readable(delta)
        if thought or delta.reasoning_details or delta.reasoning_opaque:
            self._think(form, thought, delta)
        if delta.content:
            for kind, piece in content_pieces(delta.content):
                self._piece(kind, piece, choice)
        if delta.refusal:
            self._say("refusal", Refusal(text=""), delta.refusal)
        if delta.tool_calls:
            calls = delta.tool_calls if isinstance(delta.tool_calls, list) else [delta.tool_calls]
            for call in calls:
                self._call(call)
        if delta.function_call is not None:
            self._call(ToolDelta(index=0, function=delta.function_call))
        if delta.annotations:
            self._cite([found for note in delta.annotations if (found := citation_of(note))])
        if delta.images:
            self._media([image for found in delta.images if (image := image_of(found))])
        if delta.audio:
            self._hear(delta.audio)

    def _piece(self, kind: str, piece: Any, choice: Choice) -> None:
        if kind == "text":
            self._text(piece, choice)
        elif kind == "thinking":
            self._think("thinking", piece, None)
        elif kind == "refusal":
            self._say("refusal", Refusal(text=""), piece)
        elif kind == "media":
            self._media([piece])
        elif kind == "citation":
            self._cite([piece])

    def _text(self, text: str, choice: Choice) -> None:
        probs = load(choice.logprobs, Logprobs) if _present(choice.logprobs) else None
        self._say("text", Text(text=""), text, tuple(probs.content or ()) if probs is not None else ())

    def _say(self, key: str, part: Text | Refusal, text: str, logprobs: tuple[Raw, ...] = ()) -> None:
        """More of the text or refusal block; whatever thought or call was open can get no more."""
        index = self._blocks.index(key)
        if index is None:
            self._close_thought()
            self._close_calls()
            self._close("refusal" if key == "text" else "text")
            start = self._blocks.open(key, part)
            self._events.append(start)
            index = start.index
        self._events.append(BlockDelta(index, TextDelta(text, logprobs)))

    def _think(self, form: str, text: str, delta: Delta | None) -> None:
        index = self._blocks.index("thought")
        if index is None:
            self._close("text")
            self._close_calls()
            start = self._blocks.open("thought", Reasoning(form=form, origin=ORIGIN))
            self._events.append(start)
            index = start.index
        if text:
            self._events.append(BlockDelta(index, TextDelta(text)))
        if delta is not None and delta.reasoning_details:
            self._details.extend(delta.reasoning_details)
        if delta is not None and delta.reasoning_opaque:
            self._events.append(BlockDelta(index, ReasoningDelta(encrypted=delta.reasoning_opaque)))

    def _call(self, delta: ToolDelta) -> None:
        """One entry of tool_calls: find its call, add what is new, open it once it has a name."""
        call = self._find(delta)
        said = delta.function or FunctionDelta()
        custom = delta.custom if delta.custom is not None and (delta.custom.name or not said.arguments) else None
        if delta.id and not call.id:
            call.id = str(delta.id)
        name = said.name or (custom.name if custom else None)
        if name and not call.open and name != call.name:
            call.name += name
        text = custom.input if custom else json_text(said.arguments)
        if not call.open and (call.name or text):
            self._open(call, delta, custom)
        if text:
            call.arguments.append(text)
            index = self._blocks.index(call.key)
            if index is not None:
                self._events.append(BlockDelta(index, TextDelta(text)))

    def _find(self, delta: ToolDelta) -> _Call:
        """The call that a delta belongs to: by index, else by id, else the last one; else a new one."""
        known = self._by_index.get(delta.index) if delta.index is not None else self._by_id(delta)
        said = delta.function or FunctionDelta()
        if known is not None and delta.id and known.id and str(delta.id) != known.id and said.name:
            known = None  # the same index with another id and a name: another call (Gemini, some proxies)
        if known is None:
            known = _Call(len(self._calls))
            self._calls.append(known)
            if delta.index is not None:
                self._by_index[delta.index] = known
        return known

    def _by_id(self, delta: ToolDelta) -> _Call | None:
        if delta.id:
            return next((call for call in self._calls if call.id == str(delta.id)), None)
        name = (delta.function.name if delta.function else None) or (delta.custom.name if delta.custom else None)
        return None if name or not self._calls else self._calls[-1]

    def _open(self, call: _Call, delta: ToolDelta, custom: CustomDelta | None) -> None:
        self._close("text")
        self._close("refusal")
        self._close_thought()
        self._close_calls(whole_only=True)
        call.open = True
        call.id = self._unique(call)
        part = ToolCall(
            id=call.id,
            name=call.name,
            kind="custom" if custom is not None or delta.type == "custom" else "function",
            extras=signature_extras(delta),
        )
        self._events.append(self._blocks.open(call.key, part))

    def _unique(self, call: _Call) -> str:
        """The call's id; one made of its position when it has none, or one that another call has."""
        taken = {other.id for other in self._calls if other is not call}
        return call.id if call.id and call.id not in taken else call_id(self._calls.index(call), call.name)

    def _cite(self, citations: list[Citation]) -> None:
        index = self._blocks.index("text")
        if index is None and citations:
            start = self._blocks.open("text", Text(text=""))
            self._events.append(start)
            index = start.index
        for citation in citations:
            assert index is not None
            self._events.append(BlockDelta(index, CitationDelta(citation)))

    def _media(self, media: list[Media]) -> None:
        for part in media:
            self._close("text")
            key = ("media", self._blocks.count)
            self._events.append(self._blocks.open(key, part))
            self._events.extend(self._blocks.close(key))

    def _hear(self, audio: dict[str, Any]) -> None:
        """Sound comes in pieces of base64 and of its transcript; it is one block, said when the answer ends."""
        for name, value in audio.items():
            before = self._audio.get(name)
            joined = isinstance(before, str) and isinstance(value, str) and name in ("data", "transcript")
            self._audio[name] = before + value if joined else value

    def _report(self, usage: Usage | None) -> None:
        if usage is None:
            return
        self._usage = usage if self._usage is None else self._usage.merge(usage)
        if self._started:
            self._events.append(UsageReport(usage))
        self.settled = self._finish is not None

    def _finished(self, reason: str) -> None:
        if reason.lower() in FAILED:
            self._fail(Kind.UPSTREAM_ERROR, f"The provider ended the answer with {reason!r}.")
            return
        self._finish = reason
        self.settled = self._usage is not None

    def _end(self) -> None:
        """[DONE]."""
        if not self._started and self._usage is None:
            self._fail(Kind.UPSTREAM_EMPTY, "The provider's stream held no answer.")
            return
        self._stop()

    def _stop(self) -> None:
        if not self._started:
            self._started = True
            self._events.append(MessageStart(origin=NAME, usage=self._usage))
        self._close_thought()
        self._events.extend(self._blocks.close_all())
        if self._audio:
            self._media([audio_of(self._audio)])
        stop: Stop | None = stop_of(self._finish, calls=bool(self._calls))
        self._events.append(MessageStop(stop=stop))
        self.done = self.settled = True

    def _error(self, data: bytes) -> None:
        error = classify_value(msgspec.json.decode(data))
        self._events.append(
            StreamError(
                kind=error.kind,
                message=error.message,
                type=error.type,
                code=error.code,
                status=error.upstream_status,
                retry_after=error.retry_after,
            )
        )
        self.done = True

    def _fail(self, kind: Kind, message: str) -> None:
        self._events.append(StreamError(kind=kind, message=message))
        self.done = True

    def _close(self, key: str) -> None:
        self._events.extend(self._blocks.close(key))

    def _close_thought(self) -> None:
        index = self._blocks.index("thought")
        if index is None:
            return
        if self._details:
            details = dump(merge_details(self._details))
            self._details = []
            self._events.append(BlockDelta(index, ReasoningDelta(details=details)))
        self._close("thought")

    def _close_calls(self, *, whole_only: bool = False) -> None:
        for call in self._calls:
            if self._blocks.index(call.key) is not None and (not whole_only or call.whole):
                self._events.extend(self._blocks.close(call.key))


def _present(raw: Raw) -> bool:
    return bool(raw) and raw != Raw(b"null")


class _BaseResp(msgspec.Struct):
    status_code: int = 0


def _failed_base(raw: Raw) -> bool:
    """MiniMax: an error inside a 200 (https://platform.minimaxi.com/document/error-code, 2026-08)."""
    found = load(raw, _BaseResp) if raw else None
    return found is not None and found.status_code != 0
