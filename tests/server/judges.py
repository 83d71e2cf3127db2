"""The official SDKs as judges: which error do they make of an answer?"""

from __future__ import annotations

import functools
from typing import Any

import anthropic
import openai

from server.wire import MESSAGES, PATHS

Client = openai.OpenAI | anthropic.Anthropic


CLOSE = {"connection": "close"}


@functools.cache
def client(url: str, protocol: str, key: str = "any") -> Client:
    """The SDK of a dialect, which does not retry; made once, because making one costs more than most tests."""
    if protocol == MESSAGES:
        return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=10, default_headers=CLOSE)
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=10, default_headers=CLOSE)


def module(protocol: str) -> Any:
    """Where an SDK's errors are."""
    return anthropic if protocol == MESSAGES else openai


def verdict(url: str, protocol: str, body: bytes, path: str = "", key: str = "any") -> Exception | None:
    """The error that the SDK raises when it sends exactly `body`; None when it is content."""
    path = path or PATHS[protocol]
    if protocol != MESSAGES:
        path = path.removeprefix("/v1")
    headers = {"content-type": "application/json"}
    try:
        client(url, protocol, key).post(path, cast_to=object, content=body, options={"headers": headers})
    except (openai.OpenAIError, anthropic.AnthropicError) as error:
        return error
    return None
