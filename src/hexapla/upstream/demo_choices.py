"""What Chat's clients may ask of the demo beside an answer: several of them, and how likely each word was.

The demo says what follows from the request, so all choices are the same, and every word had the probability 1.

Rules of this file: choices are made of Chat's own bytes, since a request has one answer everywhere else.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hexapla.errors import ClientError, Kind

MOST = 128  # of choices (https://platform.openai.com/docs/api-reference/chat/create, 2026-11)

Json = dict[str, Any]


def check_number(number: int | None) -> None:
    """Raise ClientError for a number of choices that OpenAI would not give either."""
    if number is not None and not 1 <= number <= MOST:
        raise ClientError(Kind.INVALID_REQUEST, f"n must be between 1 and {MOST}.", param="n")


def certain(words: list[str], alternatives: int) -> tuple[msgspec.Raw, ...]:
    """The log probability of each word: 0.  Of the `alternatives` that are asked for there is one, the word itself."""
    return tuple(msgspec.Raw(msgspec.json.encode(_token(word, alternatives))) for word in words)


def _token(word: str, alternatives: int) -> Json:
    said = {"token": word, "logprob": 0.0, "bytes": list(word.encode())}
    return {**said, "top_logprobs": [said] if alternatives else []}


def choices_of(body: bytes, number: int) -> bytes:
    """A whole answer with so many choices."""
    answer: Json = msgspec.json.decode(body)
    (choice,) = answer["choices"]
    answer["choices"] = [{**choice, "index": index} for index in range(number)]
    return msgspec.json.encode(_billed(answer, number))


def chunks_of(piece: bytes, number: int) -> bytes:
    """A piece of a stream, said of so many choices."""
    return b"".join(_frames(frame, number) for frame in piece.split(b"\n\n") if frame)


def _frames(frame: bytes, number: int) -> bytes:
    data = frame.removeprefix(b"data: ")
    if not data.startswith(b"{"):
        return frame + b"\n\n"  # [DONE]
    chunk: Json = _billed(msgspec.json.decode(data), number)
    said = [{**chunk, "choices": [{**each, "index": index}]} for each in chunk["choices"] for index in range(number)]
    return b"".join(b"data: %b\n\n" % msgspec.json.encode(each) for each in said or [chunk])


def _billed(answer: Json, number: int) -> Json:
    """With the tokens of every choice."""
    if usage := answer.get("usage"):
        output = usage["completion_tokens"] * number
        answer["usage"] = {**usage, "completion_tokens": output, "total_tokens": usage["prompt_tokens"] + output}
    return answer
