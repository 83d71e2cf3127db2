"""Chat Completions streams, decoded.

What arrives out there (counted over 2,459 recorded streams): usage in a chunk without choices, in the finish chunk or
in every chunk; tool calls without index, with late or repeated ids, whole in one delta or in pieces; reasoning in five
fields; a finish reason twice, late or missing; errors under 200; comments, CRLF, no [DONE].  All of it is one state
machine with a method for each thing that a chunk can carry.

Terminal rules: a finish reason is the only sign of success.  [DONE] after it ends the stream, and so does the end of the
bytes.  [DONE] without one is a clean end without a reason.  Anything else is truncation.  Of what follows [DONE] in the
same read usage counts, and nothing else.

Rules of this file: nothing raises; a data line that is cut JSON is a failure, other noise is skipped; after a terminal
event everything else is ignored.  Blocks of text and thought are closed when something else begins, calls when they are
whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from weakref import proxy

from msgspec import Raw

from hexapla.errors import Kind
from hexapla.ir.content import Citation, Extras, Media, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import (
    BlockDelta,
    CitationDelta,
    MessageStop,
    ReasoningDelta,
    TextDelta,
    UsageReport,
)
from hexapla.ir.response import Usage
from hexapla.protocols.base import UNREADABLE
from hexapla.protocols.blocks import Blocks
from hexapla.protocols.failures import classify
from hexapla.protocols.frames import NO_ANSWER, FrameDecoder
from hexapla.protocols.openai_chat.alike import PATIENCE, Alike
from hexapla.protocols.openai_chat.calling import Calling
from hexapla.protocols.openai_chat.errors import choice_error, hidden_error
from hexapla.protocols.openai_chat.hung import hung, turn_extras
from hexapla.protocols.openai_chat.old import only
from hexapla.protocols.openai_chat.parts import audio_of, cited, content_pieces, image_of
from hexapla.protocols.openai_chat.reasoning import (
    DETAILS,
    ORIGIN,
    PART,
    listed,
    merge_details,
    pieces_of,
    readable,
    thinks,
)
from hexapla.protocols.openai_chat.response import beginning, calls_of
from hexapla.protocols.openai_chat.schema import LOOK, Choice, Chunk, Delta, Logprobs, opened
from hexapla.protocols.openai_chat.usage import usage_in, usage_of
from hexapla.protocols.openai_chat.words import stop_of
from hexapla.wire.lenient import fit
from hexapla.wire.rawjson import UNDECODABLE, broken, dump
from hexapla.wire.sse import Frame, SSEDecoder

_DONE = b"[DONE]"
_TEXT, _REFUSAL, _THOUGHT = "text", "refusal", "thought"


class ChatDecoder(FrameDecoder):
    """See StreamDecoder (base.py)."""

    LOOK = LOOK

    def __init__(self) -> None:
        super().__init__()
        self._blocks = Blocks()
        self._choice: int | None = None  # index of the choice that is followed
        self._alike = Alike()
        self._messages = False  # pieces come as messages
        self._kinds: set[type] = set()  # of the blocks so far
        # no circle: what a broken stream had collected goes with it, and not with the next collection
        self._calls = Calling(self._blocks, self._events, proxy(self))
        self._details: list[Raw] = []  # of the open thought, in the pieces in which they came
        self._citations: list[Citation] = []  # that wait for a text
        self._cited: set[str] = set()
        self._audio: dict[str, Any] = {}
        self._finish: Choice | None = None  # the choice that carried the last finish reason
        self._usage: Usage | None = None
        self._probable: list[Raw] = []  # probabilities of tokens that wait for their text
        self._tier: str | None = None

    def look(self) -> None:
        super().look()
        self._alike.patience = PATIENCE  # every chunk is read, and not a few of them as for the books

    def expect(self, names: Collection[str]) -> None:
        self._calls.names = names

    # frames and chunks

    def late(self, data: bytes) -> list[UsageReport]:
        """Usage that some servers say after [DONE]."""
        return [UsageReport(usage) for frame in SSEDecoder().feed(data) if (usage := usage_in(frame.data))]

    def piece(self, data: bytes) -> str:
        if self.text_index < 0 or self.done or not self._between:
            return ""
        return self._alike.framed(data)

    def _frame(self, frame: Frame) -> None:
        event, data, text_index = frame.event, frame.data, self.text_index
        if self.done:
            if self._events and type(self._events[-1]) is MessageStop:
                self._events[-1:-1] = self.late(b"data: %b\n\n" % data)
            return
        if text_index >= 0 and not event and (text := self._alike.text(data)):
            self._events.append(BlockDelta(text_index, TextDelta(text)))
            return
        if data == _DONE:  # as every stream ends: to find out that it is no chunk costs 8 µs
            self._end()
            return
        try:
            chunk = self._read(data)
        except UNDECODABLE:
            chunk = self._read_again(data)
            if chunk is None:
                self._odd(event, data.strip())
                return
        if event == "error":
            self._refuse(classify(200, {}, data))
        else:
            self._chunk(chunk, data)
            if self._alike.patience and text_index >= 0 and text_index == self.text_index:
                self._alike.learn(data, self._choice or 0)

    def _odd(self, event: str, data: bytes) -> None:
        """A data line that is no chunk: the end, a chunk with something wrong in it, an error of any form, or noise."""
        if data == _DONE:
            self._end()
        elif (mended := self._halves.mend(data)) != data:
            self._frame(Frame(event, mended))
        elif event != "error" and (chunk := fit(data, Chunk)) is not None:
            self._chunk(chunk, data)
        elif not self._complain(Frame(event, data)) and broken(data):
            self._fail(Kind.UPSTREAM_PROTOCOL, UNREADABLE)

    def _chunk(self, chunk: Chunk, data: bytes) -> None:
        choices = chunk.choices if chunk.output is None else opened(chunk).choices
        if chunk.error or not choices or chunk.x_groq is not None:
            error = hidden_error(chunk, data)
            if error is not None:
                self._refuse(error)
                return
            if chunk.x_groq is not None:  # Groq's own corner: usage again (https://console.groq.com/docs, 2026-08)
                self._report(usage_of(chunk.x_groq.usage))
        if chunk.usage:
            self._report(usage_of(chunk.usage))
        if chunk.service_tier:
            self._tier = chunk.service_tier
        for choice in choices or ():
            self._on_choice(chunk, choice)
        pages = chunk.citations or chunk.web_search
        if pages and not self.done:
            self._cite(cited(None, pages, self._cited))

    def _on_choice(self, chunk: Chunk, choice: Choice) -> None:
        if self.done or (choice.index != self._choice and not self._follows(choice)):
            return
        if not self._started:
            self._start(chunk)
        if (choice.error or choice.usage) and self._aside(choice):
            return
        delta = choice.delta
        if delta is None and choice.message is not None:
            delta = self._unsaid_of(choice.message)
        if delta is not None:
            self._delta(delta, choice.logprobs)
        elif choice.text:
            self._say(_TEXT, choice.text)
        if choice.finish_reason:
            self._finished(choice)

    def _unsaid_of(self, message: Delta) -> Delta:
        """What a message in the place of a delta adds: all of it, where every piece comes so (Higress in front of Baidu:
        https://github.com/higress-group/higress/pull/1024); after deltas it is the whole answer once more (MiniMax:
        https://github.com/GCWing/OpenBitFun/pull/792, 2026-05)."""
        if self._messages or not self._blocks.count:
            self._messages = True
            return message
        said = Delta(content=None if Text in self._kinds else message.content)
        if not self._calls:
            said.tool_calls, said.function_call = message.tool_calls, message.function_call
        return said

    def _follows(self, choice: Choice) -> bool:
        """Whether `choice` is the one to follow: the first that comes, or 0 when it comes before any other said a word;
        the other dialects have no place for more than one."""
        index = choice.index or 0
        if self._choice is None or (index == 0 and self._blocks.count == 0):
            self._choice = index
        return index == self._choice

    def _start(self, chunk: Chunk) -> None:
        start = beginning(chunk, self._usage)
        self._started = True
        self._calls.seed = start.id
        self._events.append(start)

    def _aside(self, choice: Choice) -> bool:
        """What some hang on a choice: usage (Moonshot), or an error (OpenRouter), which ends all; whether it did."""
        self._report(usage_of(choice.usage))
        if choice.error and (error := choice_error(choice)) is not None:
            self._refuse(error)
        return self.done

    # what a delta can carry

    def _delta(self, delta: Delta, logprobs: Logprobs | None) -> None:
        if thinks(delta):
            self._think(*readable(delta), delta)
        content = delta.content
        if content:
            if type(content) is not str:
                self._pieces(content, logprobs)
            elif self.text_index >= 0 and logprobs is None:
                self._events.append(BlockDelta(self.text_index, TextDelta(content)))
            else:
                self._say(_TEXT, content, logprobs)
        elif logprobs is not None and logprobs.content:
            self._tokens(logprobs.content)
        if delta.refusal:
            self._say(_REFUSAL, delta.refusal)
        if delta.tool_calls or delta.function_call is not None:
            for call in calls_of(delta):
                self._calls.piece(call if delta.tool_calls else only(call))
        if delta.annotations:
            self._cite(cited(delta.annotations, None, self._cited))
        if delta.images:
            self._media([image for found in delta.images if (image := image_of(found))])
        if delta.audio:
            self._hear(delta.audio)
        if delta.extra_content and (extras := turn_extras(delta)):
            self.hang(extras, None)

    def _pieces(self, content: list[Any] | dict[str, Any] | str, logprobs: Logprobs | None) -> None:
        """Content that is no string: a list of parts (Mistral), or an object (Cloudflare)."""
        for kind, piece in content_pieces(content):
            if kind == "text":
                self._say(_TEXT, piece, logprobs)
            elif kind == "thinking":
                self._think(PART, piece, None)
            elif kind == "refusal":
                self._say(_REFUSAL, piece)
            elif kind == "media":
                self._media([piece])
            elif kind == "citation":
                self._cite([piece])

    def _say(self, key: str, text: str, logprobs: Logprobs | None = None) -> None:
        """More of the text or refusal block; whatever thought was open can get no more."""
        if not text:
            return
        index = self._blocks.index(key)
        if index is None:
            index = self.open_block(key, Text(text="") if key == _TEXT else Refusal(text=""))
        probs: tuple[Raw, ...] = ()
        if key == _TEXT and (logprobs is not None or self._probable):
            found = logprobs.content or () if logprobs is not None else ()
            probs = (*self._waiting(), *(Raw(bytes(each)) for each in found))
        self._events.append(BlockDelta(index, TextDelta(text, probs)))
        if self._citations and key == _TEXT:
            waiting, self._citations = self._citations, []
            self._cite(waiting)

    def _tokens(self, found: list[Raw]) -> None:
        """Probabilities of tokens that say nothing yet: half a character, the end of the turn."""
        self._probable.extend(Raw(bytes(each)) for each in found)
        index = self._blocks.index(_TEXT)
        if index is not None:
            self._events.append(BlockDelta(index, TextDelta("", self._waiting())))

    def _waiting(self) -> tuple[Raw, ...]:
        found = tuple(self._probable)
        self._probable.clear()
        return found

    def _think(self, form: str, text: str, delta: Delta | None) -> None:
        """More thought: its text, and the state beside it, which is also passed on in the pieces in which it comes."""
        pieces = pieces_of(delta.reasoning_details) if delta is not None and delta.reasoning_details else None
        opaque = delta.reasoning_opaque if delta is not None else None
        if not (text or pieces or opaque):
            return
        index = self._blocks.index(_THOUGHT)
        if index is None:
            index = self.open_block(_THOUGHT, Reasoning(form=form or DETAILS, origin=ORIGIN))
        if pieces is not None:
            self._details.append(pieces)
            self._events.append(BlockDelta(index, ReasoningDelta(pieces=pieces)))
        if text:
            self._events.append(BlockDelta(index, TextDelta(text)))
        if opaque:
            self._events.append(BlockDelta(index, ReasoningDelta(encrypted=opaque)))

    def hang(self, extras: Extras, call_id: str | None) -> None:
        key = ("hung", self._blocks.count)
        self.open_block(key, hung(extras, call_id))
        self._events.extend(self._blocks.close(key))

    def _cite(self, citations: list[Citation]) -> None:
        """Citations stand on the open text, or wait for one."""
        index = self._blocks.index(_TEXT)
        if index is None:
            self._citations.extend(citations)
            return
        self._events.extend(BlockDelta(index, CitationDelta(citation)) for citation in citations)

    def _media(self, media: Sequence[Media]) -> None:
        for part in media:
            key = ("media", self._blocks.count)
            self.open_block(key, part)
            self._events.extend(self._blocks.close(key))

    def _hear(self, audio: dict[str, Any]) -> None:
        """Sound comes in pieces of base64 and of its transcript; it is one block, said when the answer ends."""
        for name, value in audio.items():
            before = self._audio.get(name)
            joined = isinstance(before, str) and isinstance(value, str) and name in ("data", "transcript")
            self._audio[name] = before + value if joined else value

    # blocks

    def open_block(self, key: str | tuple[str, int], part: Text | Refusal | Reasoning | ToolCall | Media) -> int:
        """Open a block, and close the ones that can get no more: text, refusal and thought, and calls that are whole."""
        if self._blocks.count or self._calls.waiting:
            self._close_others()
        self._kinds.add(type(part))
        start = self._blocks.open(key, part)
        self._events.append(start)
        self.text_index = start.index if key == _TEXT else -1
        return start.index

    def _close_others(self) -> None:
        self._calls.go_on()
        self._close_thought()
        for other in (_TEXT, _REFUSAL):
            self._events.extend(self._blocks.close(other))
        if self._calls:
            self._events.extend(self._calls.whole())

    def _close_thought(self) -> None:
        index = self._blocks.index(_THOUGHT)
        if index is None:
            return
        entries = merge_details([entry for pieces in self._details for entry in listed(pieces)])
        self._details.clear()
        if entries:
            self._events.append(BlockDelta(index, ReasoningDelta(details=dump(entries))))
        self._events.extend(self._blocks.close(_THOUGHT))

    # the end

    def _report(self, usage: Usage | None) -> None:
        if usage is None:
            return
        self._usage = usage if self._usage is None else self._usage.merge(usage)
        if self._started:
            self._events.append(UsageReport(usage))
        self.settled = self._finish is not None

    def _finished(self, choice: Choice) -> None:
        error = choice_error(choice)
        if error is not None:
            self._refuse(error)
            return
        self._finish = choice
        self.settled = self._usage is not None

    def _over(self) -> None:
        """The bytes are over."""
        if self._finish is not None:
            self._stop()
        else:
            super()._over()

    def _end(self) -> None:
        """[DONE]."""
        if self._started:
            self._stop()
        else:  # be there usage or not; a whole answer without a choice is none either
            self._fail(Kind.UPSTREAM_EMPTY, NO_ANSWER)

    def _stop(self) -> None:
        if self._calls:
            self._calls.end()
        sound = audio_of(self._audio)
        if sound is not None:
            self._media([sound])
        if self._citations or self._probable:
            self._tell_last()
        self._close_thought()
        self._events.extend(self._blocks.close_all())
        self._events.append(MessageStop(stop=stop_of(self._finish, calls=bool(self._calls)), service_tier=self._tier))
        self.done = self.settled = True

    def _tell_last(self) -> None:
        """Citations and probabilities for which no text came have one to stand on, as in a whole answer."""
        index = self.open_block(_TEXT, Text(text=""))
        self._cite(self._citations)
        if self._probable:
            self._events.append(BlockDelta(index, TextDelta("", self._waiting())))
