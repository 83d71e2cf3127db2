"""Items of an answer, written: what a Responses client gets to see of a part.

Reasoning of the vendor's own goes out as it came.  Anyone else's becomes an item whose summary is the readable thought and
whose `encrypted_content` is our envelope, so that the client brings the whole state back; so does a vendor's own state that
looks like an envelope of ours, which only another Hexapla upstream can have sent.

Rules of this file: an item is a dict in the order in which OpenAI sends its fields; `whole_item` is total, and what has no
item is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Citation, Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.envelope import MARK, seal
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart
from hexapla.protocols.openai_responses.items import PART, text_of
from hexapla.protocols.openai_responses.words import NAME, Ids
from hexapla.wire.rawjson import dump, load, split

Json = dict[str, Any]

PREFIX: dict[type, str] = {Text: "msg", Refusal: "msg", ToolCall: "fc", Reasoning: "rs", Media: "ig"}
"""What OpenAI's own ids of such items begin with, and what it demands of those that it gets back."""


def identify(part: ResponsePart, ids: Ids, index: int) -> str:
    """The id of a part's item: its own, where it came with one."""
    native: str | None = None
    if isinstance(part, Text | ToolCall | Media):
        native = text_of(part.extras.get(NAME, {}), "id")
    elif isinstance(part, Reasoning) and is_native(part):
        native = part.id
    prefix = "ctc" if isinstance(part, ToolCall) and part.kind == "custom" else PREFIX[type(part)]
    return ids.take(native, prefix, index)


def whole_item(part: ResponsePart, ids: Ids, index: int, losses: LossLog) -> Json | None:
    """A whole part as an output item; None where Responses has no item for it (said in `losses`)."""
    if isinstance(part, Opaque):
        return _opaque(part, index, losses)
    if isinstance(part, Media) and (part.kind != "image" or part.data is None):
        losses.add(f"content[{index}]", f"Responses answers hold no {part.kind} of this kind", "content")
        return None
    return _WHOLE[type(part)](part, identify(part, ids, index))


# messages


def message_item(item_id: str, content: Sequence[Json], extras: Extras = {}, status: str = "completed") -> Json:  # noqa: B006
    """A message with these content parts; `extras` are those of its Text."""
    own = {name: value for name, value in extras.get(NAME, {}).items() if name not in (PART, "id", "status")}
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": list(content),
        **own,
    }


def text_part(text: str, citations: Sequence[Citation] = (), logprobs: Sequence[Raw] = ()) -> Json:
    """An output_text part."""
    return {
        "type": "output_text",
        "annotations": [render_citation(citation.placed(0, len(text))) for citation in citations],
        "logprobs": [render_logprob(probability) for probability in logprobs],
        "text": text,
    }


def part_extras(part: Text | Refusal) -> Json:
    """The fields of a part's own content part that only Responses knows."""
    own = part.extras.get(NAME, {}).get(PART)
    return dict(own) if isinstance(own, dict) else {}


def refusal_part(text: str) -> Json:
    """A refusal part."""
    return {"type": "refusal", "refusal": text}


_CITATION: Json = {"type": "url_citation", "start_index": 0, "end_index": 0, "url": "", "title": ""}
"""What the SDK's types demand of one."""


def render_citation(citation: Citation) -> Raw:
    """A citation as a url_citation annotation; one of our own as it came, but whole: xAI's have no title."""
    if citation.origin == NAME and citation.native is not None:
        said = load(citation.native, dict[str, Raw]) or {}
        if text_of(said, "type") != "url_citation" or said.keys() >= _CITATION.keys():
            return citation.native
        return dump(_CITATION | said)
    return dump(
        _CITATION
        | {
            "start_index": citation.start or 0,
            "end_index": citation.end or 0,
            "url": citation.url or "",
            "title": citation.title or citation.cited_text or "",
        }
    )


def render_logprob(raw: Raw) -> Raw:
    """A token's probability with the lists that the SDK's types demand; Chat's may be null."""
    said = load(raw, dict[str, Any]) or {}
    if all(isinstance(entry.get("bytes"), list) for entry in (said, *(said.get("top_logprobs") or ()))):
        return raw
    top = [entry | {"bytes": entry.get("bytes") or []} for entry in said.get("top_logprobs") or ()]
    return dump(said | {"bytes": said.get("bytes") or [], "top_logprobs": top})


def _text(part: Text, item_id: str) -> Json:
    content = text_part(part.text, part.citations, part.logprobs) | part_extras(part)
    return message_item(item_id, [content], part.extras)


def _refusal(part: Refusal, item_id: str) -> Json:
    return message_item(item_id, [refusal_part(part.text)])


# reasoning


def is_native(part: Reasoning) -> bool:
    """Whether the client can hold this state as it is: Responses' own, and not to be taken for our envelope later."""
    return part.origin.protocol == NAME and not (part.encrypted or "").startswith(MARK)


def reasoning_item(part: Reasoning, item_id: str) -> Json:
    """Native thought as it came; anyone else's as a summary with our envelope."""
    if is_native(part):
        return native_reasoning(part, item_id)
    summary = part.summary or ((part.text,) if part.text else ())
    return {"id": item_id, "type": "reasoning", "summary": _summary(summary), "encrypted_content": seal(part)}


def native_reasoning(part: Reasoning, item_id: str | None) -> Json:
    """A reasoning item in the vendor's own form, for the client or for the vendor itself."""
    body: Json = {"id": item_id} if item_id is not None else {}
    body |= {"type": "reasoning", "summary": _summary(part.summary)}
    if part.text:
        body["content"] = [{"type": "reasoning_text", "text": part.text}]
    if part.encrypted is not None:
        body["encrypted_content"] = part.encrypted
    return body | dict(part.extras.get(NAME, {}))


def _summary(paragraphs: Sequence[str]) -> list[Json]:
    return [{"type": "summary_text", "text": text} for text in paragraphs]


# calls and what comes whole


def call_item(part: ToolCall, item_id: str, status: str = "completed") -> Json:
    """A call.  A function called without arguments says {}: clients parse them unseen."""
    own = {name: value for name, value in part.extras.get(NAME, {}).items() if name not in ("id", "status")}
    space = {"namespace": part.namespace} if part.namespace is not None else {}
    head: Json = {"id": item_id, "type": "custom_tool_call" if part.kind == "custom" else "function_call"}
    if part.kind == "custom":
        return {**head, "call_id": part.id, "name": part.name, **space, "input": part.arguments, **own}
    arguments = part.arguments or ("{}" if status == "completed" else "")
    said = {"status": status, "arguments": arguments, "call_id": part.id, "name": part.name}
    return {**head, **said, **space, **own}


def _image(part: Media, item_id: str) -> Json:
    own = {name: value for name, value in part.extras.get(NAME, {}).items() if name != "id"}
    return {"id": item_id, "type": "image_generation_call", "status": "completed", "result": part.data, **own}


def _opaque(part: Opaque, index: int, losses: LossLog) -> Json | None:
    if part.origin.protocol == NAME:
        return dict(split(part.data))
    losses.add(f"content[{index}]", f"{part.type} is understood by {part.origin.protocol} only", "content")
    return None


_WHOLE: dict[type, Callable[[Any, str], Json]] = {
    Text: _text,
    Refusal: _refusal,
    Reasoning: reasoning_item,
    ToolCall: call_item,
    Media: _image,
}
