"""Whole answers, both ways.  An answer is a stream of one chunk, so reading is the decoder's work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import Citation, Extras, Refusal, Text
from hexapla.ir.fold import fold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.protocols.base import Reply
from hexapla.protocols.failures import classify_value
from hexapla.protocols.gemini_generate.decode import GeminiDecoder, read_chunk
from hexapla.protocols.gemini_generate.parts import Json, Parts
from hexapla.protocols.gemini_generate.sources import grounding_of, render_logprobs
from hexapla.protocols.gemini_generate.wire import LOOK, WireChunk
from hexapla.protocols.gemini_generate.words import BLOCKED, NAME, render_usage, say_stop
from hexapla.wire.rawjson import UNDECODABLE, copied, decode, dump, join, load
from hexapla.wire.surrogates import mend

_object = msgspec.json.Decoder(dict[str, Raw])


def parse_response(body: bytes) -> GenerateResponse:
    """Upstream body -> response.  Raises ProtocolError, or UpstreamError for an error hidden in a 200."""
    body = body.strip()
    unread: tuple[str, ...] = ()
    try:
        chunk, unread = LOOK.whole(body)
        chunks = [chunk]
    except UNDECODABLE:
        chunks = [_chunk(raw) for raw in load(body, list[Raw]) or ()] if body.startswith(b"[") else [_chunk(body)]
    for chunk in chunks:
        if copied(chunk.error) is not None:
            raise classify_value({"error": msgspec.json.decode(chunk.error)})
    if not any(chunk.candidates or copied(chunk.prompt_feedback) for chunk in chunks):
        raise ProtocolError("the answer has no candidates", path="$.candidates")
    decoder = GeminiDecoder()
    decoder.look()
    answer = fold(decoder.whole(chunks))
    unread = (*unread, *decoder.unread)
    return replace(answer, unread=unread) if unread else answer


def _chunk(body: bytes | Raw) -> WireChunk:
    try:
        decode(_object, body)
    except ProtocolError:
        body = mend(bytes(body))
        decode(_object, body)
    return read_chunk(body) or WireChunk()


def render_response(response: GenerateResponse, reply: Reply, losses: LossLog) -> bytes:
    """Response -> a GenerateContentResponse."""
    writer = Parts(losses)
    parts: list[Json] = []
    for index, part in enumerate(response.content):
        parts += writer.render(part, f"content[{index}]")
    parts = _merged(parts + writer.rest())
    texts = [part for part in response.content if isinstance(part, Text)]
    refused = any(isinstance(part, Refusal) for part in response.content)
    spoken = any(part.text for part in texts)
    text = "".join(part.text for part in texts)
    logprobs = [item for part in texts for item in part.logprobs]
    closing = candidate_end(
        response.stop, [c for part in texts for c in part.citations], text, refused=refused and not spoken
    )
    said = render_logprobs(logprobs)
    candidate: Json = {"content": {"parts": parts or [{"text": ""}], "role": "model"}, "index": 0, **closing}
    if said is not None:
        candidate["logprobsResult"] = said
    body = answer_body([candidate], response.extras, response.usage, response.stop)
    body |= {"modelVersion": response.model or reply.model, "responseId": response.id or reply.id}
    return join(body)


def candidate_end(stop: Stop | None, citations: Sequence[Citation], text: str, *, refused: bool) -> Json:
    """What a candidate says when it is over: reason, sources, and what only Gemini says."""
    reason = say_stop(stop)
    if refused and reason == "STOP":
        reason = "SAFETY"
    said: Json = {"finishReason": reason}
    foreign = [citation for citation in citations if citation.origin != NAME]
    if foreign:
        said["groundingMetadata"] = grounding_of(foreign, text)
    return said | (dict(stop.extras.get(NAME, {})) if stop is not None else {})


def answer_body(candidates: list[Json], extras: Extras, usage: Usage | None, stop: Stop | None) -> Json:
    """The body around the candidates.  A prompt that was blocked has none."""
    own = dict(extras.get(NAME, {}))
    blocked = BLOCKED in own and stop is not None and not any(_says(candidate) for candidate in candidates)
    blocked = blocked and b'"blockReason"' in bytes(dump(own[BLOCKED]))
    body: Json = {} if blocked else {"candidates": candidates}
    return body | {"usageMetadata": render_usage(usage)} | own


def _says(candidate: Json) -> Any:
    return any(part.get("text") or len(part) > 1 or "text" not in part for part in candidate["content"]["parts"])


def _merged(parts: list[Json]) -> list[Json]:
    """A text's signature on the text itself, as whole answers have it."""
    merged: list[Json] = []
    for part in parts:
        last = merged[-1] if merged else {}
        lone = part.get("text") == "" and "thought" not in part and "thoughtSignature" in part
        if lone and "text" in last and "thought" not in last and "thoughtSignature" not in last:
            last["thoughtSignature"] = part["thoughtSignature"]
        else:
            merged.append(part)
    return merged
