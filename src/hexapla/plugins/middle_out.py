"""A conversation that is longer than its model reads loses its middle: `context-compression`, or `middle-out`.

What is first and what is last is read best (https://arxiv.org/abs/2307.03172), so whole turns go from the middle, and
where the two ends alone are too long the longest texts lose their own middle.  A turn is what a user says, or what the
model says together with the results of its calls, so that a call and its result stay or go together; instructions always
stay.  (https://openrouter.ai/docs/guides/features/message-transforms, 2026-08-22)

Rules of this file: pure; sizes are an estimate (`tokens`), so a tenth of the room is left free; what is left out is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from hexapla.ir.content import AnyPart, Media, Opaque, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import SYSTEM, GenerateRequest, Message, ServerTool

MEDIA = 1000  # tokens of an image or document: a middling one
LEAST = 400  # characters of a text that is not cut any further
GAP = "\n[...]\n"

Turn = tuple[Message, ...]


def shortened(request: GenerateRequest, context: int, losses: LossLog) -> GenerateRequest:
    """`request` as far as a model that reads `context` tokens, its answer included, has room for it."""
    answer = request.max_tokens if request.max_tokens is not None else context // 8
    room = (context - answer) * 9 // 10 - _tools(request)
    if _total(request.messages) <= room:
        return request
    turns = _turns(request.messages)
    kept = _without_middle(turns, room)
    messages = tuple(message for turn in kept for message in turn)
    if _total(messages) > room:
        messages = _cut(messages, room)
    gone = len(request.messages) - len(messages)
    losses.add("messages", f"{gone} in the middle were left out: the model's context is {context} tokens", "cosmetic")
    return replace(request, messages=messages)


def tokens(text: str) -> int:
    """About four letters a token; what is no ASCII is about a token a character."""
    wide = (len(text.encode("utf-8", "surrogatepass")) - len(text)) // 2
    return (len(text) - wide) // 4 + wide


def _turns(messages: Sequence[Message]) -> list[Turn]:
    """Messages that stay or go together."""
    turns: list[Turn] = []
    for message in messages:
        if message.role == "tool" and turns:
            turns[-1] = (*turns[-1], message)
        else:
            turns.append((message,))
    return turns


def _without_middle(turns: Sequence[Turn], room: int) -> list[Turn]:
    """The turns that fit, or the first and the last; instructions always."""
    sizes = {place: _total(turn) for place, turn in enumerate(turns)}
    loose = [place for place, turn in enumerate(turns) if turn[0].role not in SYSTEM]
    over = sum(sizes.values()) - room
    while over > 0 and len(loose) > 2:
        over -= sizes.pop(loose.pop(len(loose) // 2))
    return [turns[place] for place in sizes]


def _cut(messages: tuple[Message, ...], room: int) -> tuple[Message, ...]:
    """The longest texts without their middle, until everything fits."""
    texts = sorted({text for message in messages for text in _texts(message)}, key=len, reverse=True)
    over = _total(messages) - room
    for text in texts:
        size = len(text)
        if over <= 0 or size <= LEAST:
            break
        whole = tokens(text)
        left = max(LEAST, size * max(whole - over - tokens(GAP) - 1, 0) // max(whole, 1))
        if left >= size:
            continue
        short = text[: left // 2] + GAP + text[size - (left - left // 2) :]
        messages = tuple(_with(message, lambda said: short if said == text else said) for message in messages)  # noqa: B023
        over = _total(messages) - room
    return messages


def _texts(message: Message) -> list[str]:
    inner = [each for part in message.content if isinstance(part, ToolResult) for each in part.content]
    return [part.text for part in (*message.content, *inner) if isinstance(part, Text)]


def _with(message: Message, edit: Callable[[str], str]) -> Message:
    return replace(message, content=tuple(_edited(part, edit) for part in message.content))


def _edited(part: AnyPart, edit: Callable[[str], str]) -> AnyPart:
    if isinstance(part, Text):
        return replace(part, text=edit(part.text))
    if isinstance(part, ToolResult):
        content = tuple(
            replace(each, text=edit(each.text)) if isinstance(each, Text) else each for each in part.content
        )
        return replace(part, content=content)
    return part


def _total(messages: Sequence[Message]) -> int:
    return sum(_size(part) for message in messages for part in message.content)


def _size(part: AnyPart) -> int:
    if isinstance(part, ToolResult):
        return sum(_size(each) for each in part.content)
    if isinstance(part, ToolCall):
        return tokens(part.name) + tokens(part.arguments)
    if isinstance(part, Reasoning):
        return tokens(part.readable)
    if isinstance(part, Opaque):
        return len(part.data) // 4
    if isinstance(part, Media):
        return tokens(part.text) if part.text is not None else MEDIA
    return tokens(part.text)


def _tools(request: GenerateRequest) -> int:
    schemas = (tool.data if isinstance(tool, ServerTool) else tool.parameters or b"" for tool in request.tools)
    words = (tool.description or "" for tool in request.tools if not isinstance(tool, ServerTool))
    return sum(len(bytes(schema)) // 4 for schema in schemas) + sum(tokens(each) for each in words)
