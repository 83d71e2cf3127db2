"""OpenRouter's own SDK at a gateway: `python openrouter_sdk.py URL MODEL…`, by the Python of `tools/aside.py openrouter`.

Prints one JSON object: what was asked for -> "ok", or the complaint.  The first model speaks for all that is no answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from openrouter import OpenRouter

HELLO = [{"role": "user", "content": "Hello"}]


def chat(client: Any, model: str) -> Any:
    answer = client.chat.send(model=model, messages=HELLO)
    return answer.choices[0].message.content, answer.usage.prompt_tokens


def chat_stream(client: Any, model: str) -> Any:
    with client.chat.send(model=model, messages=HELLO, stream=True) as stream:
        chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    return text, chunks[-1].usage.prompt_tokens


def responses(client: Any, model: str) -> Any:
    answer = client.beta.responses.send(model=model, input="Hello")
    return [part.text for item in answer.output if item.type == "message" for part in item.content], answer.usage


def responses_stream(client: Any, model: str) -> Any:
    with client.beta.responses.send(model=model, input="Hello", stream=True) as stream:
        events = list(stream)
    unknown = [event.raw for event in events if event.type == "UNKNOWN"]
    if unknown or events[-1].type != "response.completed":
        raise ValueError(f"unknown events: {unknown}, the last one is {events[-1].type}")
    return events[-1].response.usage


ANSWERS = {"chat": chat, "chat stream": chat_stream, "responses": responses, "responses stream": responses_stream}
LISTS: dict[str, Callable[[Any, str], Any]] = {
    "key": lambda client, model: client.api_keys.get_current_key_metadata(),
    "credits": lambda client, model: client.credits.get_credits(),
    "activity": lambda client, model: client.analytics.get_user_activity(),
    "models": lambda client, model: client.models.list(),
    "count": lambda client, model: client.models.count(),
    "endpoints": lambda client, model: client.endpoints.list(author=model.split("/")[0], slug=model.split("/")[1]),
    "private endpoints": lambda client, model: client.endpoints.list_zdr_endpoints(),
    "providers": lambda client, model: client.providers.list(),
    "presets": lambda client, model: client.presets.list(),
    "preset": lambda client, model: client.presets.get(slug="editor").data.designated_version.id,
    "versions": lambda client, model: client.presets.list_versions(slug="editor"),
    "version": lambda client, model: client.presets.get_version(slug="editor", version="1"),
}


def verdict(ask: Callable[[Any, str], Any], client: Any, model: str) -> str:
    """What becomes of one request."""
    try:
        found = ask(client, model)
    except Exception as error:  # whatever it is, it is a complaint
        return f"{type(error).__name__}: {error}"[:2000]
    return "ok" if found else f"nothing: {found!r}"


if __name__ == "__main__":
    url, *models = sys.argv[1:]
    with OpenRouter(api_key="any", server_url=f"{url}/api/v1") as opened:
        told = {f"{name} {model}": verdict(ask, opened, model) for model in models for name, ask in ANSWERS.items()}
        told |= {name: verdict(ask, opened, models[0]) for name, ask in LISTS.items()}
    print(json.dumps(told))
