"""Behaviours, chosen by the request's model name: `NAME` or `NAME~bytes=7~pause=20~tag=anything`.

Every script is a function of what the request says.  A script that calls a tool reads the results back to the user, so
that a lost result shows; one that thinks refuses a tool loop in which its thought did not come back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from fakes.check import RequestError, need, sample
from fakes.values import Call, Fault, Text, Thought, Turn, View

GREETING = 'Hexapla: naïve café, 你好, 👋🏽\n\n  indented, and "quoted".'
THOUGHT = "First I look at the question.\nThen I answer: 是的."


def plain(view: View) -> Turn:
    """Words."""
    return Turn((Text(GREETING),))


def length(view: View) -> Turn:
    """Words, cut off by the token limit."""
    return Turn((Text(GREETING[:20]),), stop="length")


def echo(view: View) -> Turn:
    """What the system and the user said, read back."""
    return Turn((Text(f"system={view.system} user={view.user}"),))


def structured(view: View) -> Turn:
    """An answer that fits the demanded schema, or the forced tool's."""
    if view.schema is not None:
        return Turn((Text(json.dumps(sample(view.schema), ensure_ascii=False)),))
    name = view.forced or (next(iter(view.tools)) if view.must else "")
    need(name, "this model was promised a schema and got none")
    return Turn((Call(name, json.dumps(sample(view.tools[name]), ensure_ascii=False)),), stop="tool")


def tool(view: View) -> Turn:
    """One tool call, then what the tool said."""
    return _results(view) or Turn((Text("I will look."), _call(view)), stop="tool")


def parallel(view: View) -> Turn:
    """Two calls of one tool, then what both said."""
    return _results(view, 2) or Turn((_call(view, city="Zürich"), _call(view, city="東京")), stop="tool")


def interleaved(view: View) -> Turn:
    """`parallel`, with deltas that alternate (in Messages they cannot)."""
    return replace(parallel(view), interleave=True)


def twice(view: View) -> Turn:
    """A call, its result, another call, its result, words."""
    if len(view.results) == 1:
        return Turn((_call(view, city="東京"),), stop="tool")
    return _results(view) or Turn((_call(view, city="Zürich"),), stop="tool")


def think(view: View, form: str = "open") -> Turn:
    """Thought, then words."""
    return Turn((Thought(THOUGHT, form), Text(GREETING)))  # type: ignore[arg-type]


def think_tool(view: View, form: str = "open") -> Turn:
    """Thought and a call; the thought must come back with the tool's result."""
    if view.results:
        need(
            view.thoughts == [THOUGHT], "the reasoning before this conversation's tool call did not come back unchanged"
        )
    return _results(view) or Turn((Thought(THOUGHT, form), _call(view)), stop="tool")  # type: ignore[arg-type]


def think_details(view: View) -> Turn:
    """`think` in OpenRouter's form (Chat only)."""
    return think(view, "details")


def think_details_tool(view: View) -> Turn:
    """`think_tool` in OpenRouter's form (Chat only)."""
    return think_tool(view, "details")


def think_hidden(view: View) -> Turn:
    """Unreadable thought, then words."""
    return think(view, "hidden")


def think_hidden_tool(view: View) -> Turn:
    """Unreadable thought and a call."""
    return think_tool(view, "hidden")


def breaks(kind: str) -> Callable[[View], Turn]:
    """Words whose stream breaks in the middle (a whole answer does not)."""
    return lambda view: Turn((Text(GREETING),), fault=Fault(kind))  # type: ignore[arg-type]


def fails(status: int, **headers: str) -> Callable[[View], Turn]:
    """An error, every time."""

    def script(view: View) -> Turn:
        raise RequestError(
            f"scripted {status}", status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return script


def once(script: Callable[[View], Turn]) -> Callable[[View], Turn]:
    """A failure the first time this model name is asked, words from then on."""
    return lambda view: plain(view) if view.trial else script(view)


def _results(view: View, count: int = 1) -> Turn | None:
    """The words after the last tool results; None when there are none yet.  Fewer than were asked for is an error."""
    if not view.results:
        return None
    need(len(view.results) >= count, f"{count} tool results expected, {len(view.results)} came")
    for number, (key, _) in enumerate(view.calls):
        need(key == view.given(number), f"call {number} was given the id {view.given(number)}, it came back as {key}")
    return Turn((Text("The tool said: " + " | ".join(view.results[key] for key, _ in view.calls)),))


def search(view: View) -> Turn:
    """Claude Code's ToolSearch, which loads a tool that it held back; then what the search said."""
    return _results(view) or Turn((Call("ToolSearch", '{"query":"select:WebFetch"}'),), stop="tool")


def online(view: View) -> Turn:
    """Claude Code's WebSearch, which asks the model once more with nothing but the vendor's search; then what it said."""
    if not view.tools:
        return Turn((Text(f"I was told: {view.user}"),))
    return _results(view) or Turn((Call("WebSearch", '{"query":"herons today"}'),), stop="tool")


PATCH = '*** Begin Patch\n*** Add File: made.txt\n+naïve "quoted" 鹭\n*** End Patch\n'


def patch(view: View) -> Turn:
    """Codex' freeform apply_patch, which a dialect without freeform tools knows as a function; then what it said."""
    return _results(view) or Turn((Call("apply_patch", json.dumps({"input": PATCH})),), stop="tool")


_KNOWN: dict[str, Callable[[str], object]] = {
    "view_image": lambda path: {"path": path},
    "Read": lambda path: {"file_path": path},
    "read": lambda path: {"filePath": path},
    "exec_command": lambda path: {"cmd": f"cat {path}"},
    "shell": lambda path: {"command": ["cat", path]},
}
"""Arguments by which the tools of real programs read a file."""


def _call(view: View, **arguments: str) -> Call:
    need(view.tools, "this model was promised tools and got none")
    path = re.search(r"/\S+\.(?:txt|png|pdf)", view.user)
    for name, of_path in _KNOWN.items():
        if name in view.tools and path and (name != "view_image" or path.group().endswith("png")):
            return Call(name, json.dumps(of_path(path.group())))
    name, schema = next(iter(view.tools.items()))
    return Call(name, json.dumps(sample(schema) | arguments, ensure_ascii=False))


SCRIPTS: dict[str, Callable[[View], Turn]] = {
    "plain": plain,
    "length": length,
    "echo": echo,
    "structured": structured,
    "tool": tool,
    "parallel": parallel,
    "interleaved": interleaved,
    "twice": twice,
    "search": search,
    "online": online,
    "patch": patch,
    "think": think,
    "think-tool": think_tool,
    "think-details": think_details,
    "think-details-tool": think_details_tool,
    "think-hidden": think_hidden,
    "think-hidden-tool": think_hidden_tool,
    "error-mid-stream": breaks("error"),
    "error-in-200": breaks("instead"),
    "cut": breaks("cut"),
    "abort": breaks("abort"),
    "stall": breaks("stall"),
    "error-400": fails(400),
    "error-401": fails(401),
    "error-429": fails(429, retry_after="1"),
    "error-500": fails(500),
    "error-529": fails(529),
    "once-429": once(fails(429, retry_after="0")),
    "once-500": once(fails(500)),
    "once-529": once(fails(529)),
    "once-in-200": once(breaks("instead")),
    "once-cut": once(breaks("cut")),
}


def play(view: View) -> Turn:
    """Answer as the model's script says.  An unknown model is a 404, as it is everywhere."""
    script = SCRIPTS.get(view.model.partition("~")[0])
    if script is None:
        raise RequestError(f"The model `{view.model}` does not exist", "model", 404)
    return script(view)


def options(model: str) -> dict[str, int]:
    """The numbers behind the name: bytes (size of each write), pause (milliseconds between them)."""
    found = dict(part.partition("=")[::2] for part in model.split("~")[1:])
    return {key: int(value) for key, value in found.items() if value.isdigit()}
