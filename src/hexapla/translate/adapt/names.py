"""Tool names that a target accepts, and the way back.

Names longer than the target allows, with foreign characters, or inside a Responses namespace are replaced by a
deterministic short form: the same name gives the same form in every turn and process, so history stays valid.
Claudex does the same with 55 characters and 8 hex digits of a hash; we keep its form.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from msgspec.structs import replace

from hexapla.ir.content import AnyPart, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, Tool, ToolChoice

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]+")
_KEPT = 55  # characters of the original that stay readable


@lru_cache(maxsize=4096)
def fit_name(name: str, pattern: str) -> str:
    """`name` if it matches `pattern`, else its deterministic short form."""
    if re.match(pattern, name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem = _FOREIGN.sub("_", name)[:_KEPT].strip("_")
    return f"{stem}_{digest}" if stem else f"tool_{digest}"


def flat_name(name: str, namespace: str | None) -> str:
    """A namespaced name as one word."""
    return f"{namespace}__{name}" if namespace else name


class Names:
    """The names of one request in their target's form.  `back` maps a target name to (name, namespace)."""

    def __init__(self, pattern: str, *, flatten: bool) -> None:
        self._pattern = pattern
        self._flatten = flatten
        self.back: dict[str, tuple[str, str | None]] = {}

    def fit(self, name: str, namespace: str | None = None) -> str:
        """The target's form of a name; remembered for the way back when it differs."""
        full = flat_name(name, namespace) if self._flatten else name
        fitted = fit_name(full, self._pattern)
        if fitted != name or (namespace and self._flatten):
            self.back[fitted] = (name, namespace)
        return fitted

    def _space(self, namespace: str | None) -> str | None:
        return None if self._flatten else namespace

    def request(self, request: GenerateRequest, losses: LossLog) -> GenerateRequest:
        """`request` with every tool name in the target's form."""
        tools = tuple(self._tool(tool) if isinstance(tool, Tool) else tool for tool in request.tools)
        messages = tuple(self._message(message) for message in request.messages)
        if not self.back:
            return request
        for index, (old, new) in enumerate(zip(request.tools, tools)):
            if old != new:
                losses.add(f"tools[{index}].name", "the target takes another form of this name", "cosmetic")
        return replace(request, tools=tools, messages=messages, tool_choice=self._choice(request))

    def _tool(self, tool: Tool) -> Tool:
        fitted = self.fit(tool.name, tool.namespace)
        if fitted == tool.name and not (tool.namespace and self._flatten):
            return tool
        return replace(tool, name=fitted, namespace=self._space(tool.namespace))

    def _message(self, message: Message) -> Message:
        content = tuple(self._part(part) for part in message.content)
        same = all(new is old for new, old in zip(content, message.content))
        return message if same else replace(message, content=content)

    def _part(self, part: AnyPart) -> AnyPart:
        if isinstance(part, ToolCall):
            fitted = self.fit(part.name, part.namespace)
            if fitted != part.name or (part.namespace and self._flatten):
                return replace(part, name=fitted, namespace=self._space(part.namespace))
        elif isinstance(part, ToolResult) and part.name:
            fitted = self.fit(part.name)
            return part if fitted == part.name else replace(part, name=fitted)
        return part

    def _choice(self, request: GenerateRequest) -> ToolChoice | None:
        choice = request.tool_choice
        if choice is None or choice.name is None:
            return choice
        namespace = next((t.namespace for t in request.tools if isinstance(t, Tool) and t.name == choice.name), None)
        return replace(choice, name=self.fit(choice.name, namespace))
