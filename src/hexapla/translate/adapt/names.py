"""Tool names that a target accepts, and the way back.

Names longer than the target allows, with foreign characters, or inside a Responses namespace are replaced by a
deterministic short form: the same name gives the same form in every turn and process, so history stays valid.
Claudex does the same with 55 characters and 8 hex digits of a hash; we keep its form.

An agent sends the same tools with every turn, and most targets take their names as they are: that is found out once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from msgspec.structs import replace

from hexapla.ir.content import AnyPart, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Tool, ToolChoice
from hexapla.translate.adapt.parts import TOOLED, bend_parts
from hexapla.translate.cached import LONGEST, cached

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]+")
_KEPT = 55  # characters of the original that stay readable
_MOST_NAMES = 1000  # whose forms are remembered together

Name = tuple[str, str | None]
"""(name, namespace)"""


class Form(NamedTuple):
    """A name at the target."""

    name: str
    namespace: str | None


@cached(4096)
def fit_name(name: str, pattern: str) -> str:
    """`name` if it matches `pattern`, else its deterministic short form."""
    if re.match(pattern, name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem = _FOREIGN.sub("_", name)[:_KEPT].strip("_")
    return f"{stem}_{digest}" if stem else f"tool_{digest}"


def fit_names(
    request: GenerateRequest, pattern: str, losses: LossLog, *, flatten: bool
) -> tuple[GenerateRequest, dict[str, Name]]:
    """(`request` with every tool name in the target's form, the names behind those that changed).

    flatten  the target knows no namespaces
    """
    names = _names(request)
    short = len(names) <= _MOST_NAMES and max(map(len, map(itemgetter(0), names)), default=0) <= LONGEST
    forms = (_forms if short else _forms.__wrapped__)(names, pattern, flatten)
    if not forms:
        return request, {}
    for index, tool in enumerate(request.tools):
        if isinstance(tool, Tool) and (tool.name, tool.namespace) in forms:
            losses.add(f"tools[{index}].name", "the target takes another form of this name", "cosmetic")
    fitter = _Fitter(forms)
    request = bend_parts(request, TOOLED, fitter.part)
    tools = tuple([fitter.tool(tool) if isinstance(tool, Tool) else tool for tool in request.tools])
    request = replace(request, tools=tools, tool_choice=fitter.choice(request))
    return request, {form.name: name for name, form in forms.items()}


def _names(request: GenerateRequest) -> frozenset[Name]:
    """Every name in the request."""
    tools = [(tool.name, tool.namespace) for tool in request.tools if type(tool) is Tool]
    parts = [part for message in request.messages for part in message.content]
    calls = [(part.name, part.namespace) for part in parts if type(part) is ToolCall]
    results = [(part.name, None) for part in parts if type(part) is ToolResult and part.name]
    return frozenset([*tools, *calls, *results])


@lru_cache(maxsize=256)
def _forms(names: frozenset[Name], pattern: str, flatten: bool) -> Mapping[Name, Form]:
    """The names that have another form at the target."""
    forms = {}
    for name, namespace in names:
        spaced = flatten and namespace
        fitted = fit_name(f"{namespace}__{name}" if spaced else name, pattern)
        if fitted != name or spaced:
            forms[name, namespace] = Form(fitted, None if flatten else namespace)
    return forms


class _Fitter:
    """Puts the target's forms where the names stand."""

    def __init__(self, forms: Mapping[Name, Form]) -> None:
        self._forms = forms

    def tool(self, tool: Tool) -> Tool:
        form = self._forms.get((tool.name, tool.namespace))
        return tool if form is None else replace(tool, name=form.name, namespace=form.namespace)

    def part(self, part: AnyPart) -> AnyPart:
        if isinstance(part, ToolCall):
            form = self._forms.get((part.name, part.namespace))
            return part if form is None else replace(part, name=form.name, namespace=form.namespace)
        if isinstance(part, ToolResult) and part.name:
            form = self._forms.get((part.name, None))
            return part if form is None else replace(part, name=form.name)
        return part

    def choice(self, request: GenerateRequest) -> ToolChoice | None:
        choice = request.tool_choice
        if choice is None or choice.name is None:
            return choice
        namespace = next((t.namespace for t in request.tools if isinstance(t, Tool) and t.name == choice.name), None)
        form = self._forms.get((choice.name, namespace))
        return choice if form is None else replace(choice, name=form.name)
