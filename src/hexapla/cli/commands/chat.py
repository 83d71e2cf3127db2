"""`hexapla chat`: one question, or a conversation, with any model."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.status import Status

from hexapla.cli.console import Screen
from hexapla.cli.words import Say
from hexapla.errors import HexaplaError
from hexapla.sdk.aclient import AsyncClient, AsyncStream
from hexapla.sdk.answer import Answer
from hexapla.sdk.media import image_url


def run(arguments: argparse.Namespace, say: Say) -> int:
    console = Screen(stderr=True)
    model = {"model": arguments.model} if arguments.model else {}
    client = AsyncClient(arguments.config, **model)
    with asyncio.Runner() as runner:
        try:
            if not arguments.prompt:
                return _talk(runner, client, arguments, say, console)
            prompt = sys.stdin.read() if arguments.prompt == ["-"] else " ".join(arguments.prompt)
            messages = [*_system(arguments), {"role": "user", "content": _content(prompt, arguments.image)}]
            answer = runner.run(_say(client, messages, arguments, say, console))
            if not answer and not answer.tool_calls and not arguments.json:
                console.print(say("no-answer"), style="dim")
            return 0
        finally:
            runner.run(client.aclose())


def _talk(
    runner: asyncio.Runner, client: AsyncClient, arguments: argparse.Namespace, say: Say, console: Console
) -> int:
    """A conversation: one line a turn, an empty line ends it.

    Lines are read outside of the loop: a thread that waits for one would keep the program from ending on Ctrl-C.
    """
    console.print(say("talk", model=arguments.model or "fast"), style="dim")
    messages: list[Mapping[str, Any]] = [*_system(arguments)]
    while line := _read(console, say).strip():
        messages.append({"role": "user", "content": line})
        try:
            answer = runner.run(_say(client, messages, arguments, say, console))
        except HexaplaError as error:
            console.print(f"{say('error')}: {say.error(error)}", style="red")
            messages.pop()
            continue
        messages.append({"role": "assistant", "content": str(answer)})
    return 0


def _read(console: Console, say: Say) -> str:
    try:
        return console.input(f"[bold]{say('you')}>[/] ")
    except EOFError:
        return ""


async def _say(
    client: AsyncClient,
    messages: list[Mapping[str, Any]],
    arguments: argparse.Namespace,
    say: Say,
    console: Console,
) -> Answer:
    """Stream one answer to standard output; with --json print it whole."""
    options = _options(arguments)
    if arguments.json:
        answer = await client.chat(messages, **options)
        print(_as_json(answer))
        return answer
    stream = client.chat_stream(messages, **options)
    await _print(stream, console.status(say("thinking"), spinner_style="dim"))
    assert stream.answer is not None
    for call in stream.answer.tool_calls:
        console.print(f"{call.name}({call.arguments})", style="cyan", markup=False)
    if console.is_terminal:
        console.print(_footer(stream.answer), style="dim", markup=False)
    return stream.answer


async def _print(stream: AsyncStream, waiting: Status) -> None:
    """Print pieces as they come.  Until the first one a terminal sees that something is going on; the line ends, also
    where the answer breaks off."""
    said = False
    waiting.start()
    try:
        async for piece in stream:
            waiting.stop()
            said = True
            print(piece, end="", flush=True)
    finally:
        waiting.stop()
        if said:
            print()


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    said = {
        "max_tokens": arguments.max_tokens,
        "temperature": arguments.temperature,
        "reasoning_effort": arguments.reasoning,
    }
    options = {name: value for name, value in said.items() if value is not None}
    return {"fallback_models": arguments.fallback, **options}


def _system(arguments: argparse.Namespace) -> list[Mapping[str, Any]]:
    return [{"role": "system", "content": arguments.system}] if arguments.system else []


def _content(prompt: str, image: str | None) -> Any:
    if image is None:
        return prompt
    return [{"type": "text", "text": prompt}, {"type": "image_url", "image_url": {"url": image_url(image)}}]


def _footer(answer: Answer) -> str:
    usage = answer.usage
    counts = f"{usage.input if usage.input is not None else '?'} → {usage.output if usage.output is not None else '?'}"
    return f"{answer.provider}/{answer.model} · {counts} tokens"


def _as_json(answer: Answer) -> str:
    usage = {name: value for name, value in msgspec.structs.asdict(answer.usage).items() if isinstance(value, int)}
    shown = {
        "id": answer.id,
        "provider": answer.provider,
        "model": answer.model,
        "text": str(answer),
        "reasoning": answer.reasoning,
        "tool_calls": [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in answer.tool_calls],
        "stop": answer.stop,
        "usage": usage,
        "losses": answer.losses,
    }
    return msgspec.json.encode(shown).decode()
