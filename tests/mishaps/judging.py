"""What the official SDKs make of an answer: its text, or the exception that they raise.

Rules of this file: judges only; what an answer should be is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anthropic
import openai

from server.wire import CHAT, MESSAGES, RESPONSES

SECONDS = 25.0
ERRORS = (openai.OpenAIError, anthropic.AnthropicError)


@dataclass(frozen=True)
class Heard:
    """text: what was said, as far as it was;  error: the exception's class, "" for none;  code: the dialect's own word.

    again  what the answer's head tells the SDK about trying again
    """

    text: str
    error: str = ""
    status: int = 0
    code: str = ""
    message: str = ""
    again: str = ""


class Judge:
    """The three SDKs' clients, which do not retry."""

    def __init__(self, url: str) -> None:
        self.openai = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, timeout=SECONDS)
        self.anthropic = anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0, timeout=SECONDS)

    async def hear(self, protocol: str, stream: bool, model: str, then: str = "", resumes: bool = False) -> Heard:
        """Ask `model`, and `then` when it fails, or, if it `resumes`, when it breaks off."""
        said: list[str] = []
        more: dict[str, Any] = {"extra_body": {"models": [model, then]}} if then else {}
        if resumes:
            more["extra_headers"] = {"x-hexapla-resume": "true"}
        try:
            await _ASK[protocol](self, stream, said, {"model": model, **more})
        except ERRORS as error:
            return _error(error, "".join(said))
        except Exception as fault:  # no error of an SDK's: what no client expects
            return Heard("".join(said), f"! {type(fault).__name__}", message=str(fault))
        return Heard("".join(said))

    async def aclose(self) -> None:
        await self.openai.close()
        await self.anthropic.close()


class FailedError(openai.OpenAIError):
    """A Responses stream that ends with response.failed or error, which the SDK hands over as events."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def _chat(judge: Judge, stream: bool, said: list[str], asked: dict[str, Any]) -> None:
    messages: Any = [{"role": "user", "content": "Hello"}]
    answer = await judge.openai.chat.completions.create(messages=messages, stream=stream, **asked)
    if not stream:
        said.append(answer.choices[0].message.content)
        return
    ended = False
    async for event in answer:
        for choice in event.choices:
            said.append(choice.delta.content or "")
            ended = ended or choice.finish_reason is not None
    assert ended, "a stream ended without a reason and without an error"


async def _responses(judge: Judge, stream: bool, said: list[str], asked: dict[str, Any]) -> None:
    answer = await judge.openai.responses.create(input="Hello", stream=stream, **asked)
    if not stream:
        said.append(answer.output_text)
        return
    last: Any = None
    async for last in answer:
        if last.type == "response.output_text.delta":
            said.append(last.delta)
    if last is not None and last.type == "response.failed":
        raise FailedError(last.response.error.code, last.response.error.message)
    if last is not None and last.type == "error":
        raise FailedError(last.code, last.message)
    assert last is not None and last.type == "response.completed", "a stream ended without its end and without an error"


async def _messages(judge: Judge, stream: bool, said: list[str], asked: dict[str, Any]) -> None:
    messages: Any = [{"role": "user", "content": "Hello"}]
    answer: Any = await judge.anthropic.messages.create(messages=messages, max_tokens=64, stream=stream, **asked)
    if not stream:
        said.append("".join(block.text for block in answer.content))
        return
    last = None
    async for last in answer:
        if last.type == "content_block_delta":
            said.append(last.delta.text)
    assert last is not None and last.type == "message_stop", "a stream ended without its end and without an error"


_ASK = {CHAT: _chat, RESPONSES: _responses, MESSAGES: _messages}


def _error(error: Any, said: str) -> Heard:
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    code = getattr(error, "code", None) or inner.get("code") or inner.get("type") or ""
    message = str(inner.get("message") or error)
    status = getattr(error, "status_code", 0) or 0
    again = error.response.headers.get("x-should-retry", "") if status else ""
    return Heard(said, type(error).__name__, status, str(code), message, again)
