"""A request as a Gemini body.

The model and streaming stand in the URL (catalog/address.py).  Thought is asked for by level from Gemini 3 on and by
budget before (https://ai.google.dev/gemini-api/docs/thinking, 2026-11); budgets for levels are those of Google's own
OpenAI layer (https://ai.google.dev/gemini-api/docs/openai, 2026-11).  What Gemini cannot take is a Loss.

Rules of this file: fields beside the conversation (`turns.py` writes that); only what was said is emitted.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Raw

from hexapla.errors import ClientError, Kind
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ReasoningWish, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.base import nothing_left
from hexapla.protocols.extras import lose_extras
from hexapla.protocols.gemini_generate.schema import to_subset
from hexapla.protocols.gemini_generate.signature import signs
from hexapla.protocols.gemini_generate.turns import Turns
from hexapla.protocols.gemini_generate.words import NAME
from hexapla.wire.rawjson import join, split

Json = dict[str, Any]

MOST_STOPS = 5  # https://ai.google.dev/api/generate-content#GenerationConfig, 2026-11
JSON_SCHEMA = "json_schema"
"""In Target.unsupported: the provider knows only the older schema fields."""

_BY_BUDGET = re.compile(r"gemini-(?:1|2)|gemini-(?:flash|pro)-1")
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH"}

_CHOICES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "seed": "seed",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_UNKNOWN_SAMPLING = ("min_p", "top_a", "repetition_penalty", "logit_bias")
_TIERS = frozenset({"flex", "standard", "priority"})
_FOREIGN = {
    "verbosity": "Gemini has no verbosity",
    "cache_key": "Gemini caches by content, not by key",
    "safety_identifier": "Gemini has no safety identifier",
    "continues": "generateContent has no stored conversations",
    "user": "Gemini is told no user",
    "metadata": "Gemini has no metadata",
    "parallel_tool_calls": "Gemini decides itself whether calls are parallel",
    "cache": "Gemini caches by itself or by name, not by marks",
}
_GRAVE = {"continues": "content", "verbosity": "parameter"}


def render_request(request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
    """Request -> upstream body."""
    body = _Body(request, target, losses).fields()
    return join({name: value for name, value in body.items() if value is not None})


class _Body:
    """One rendering: the request, whom it is for, and what was lost so far."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self.request = request
        self.target = target
        self.losses = losses
        self.turns = Turns(request, target, losses)

    def fields(self) -> Json:
        request = self.request
        system, contents = self.turns.render()
        if not contents:
            raise nothing_left("contents")
        body: Json = {
            "systemInstruction": system,
            "contents": contents,
            "tools": self.tools(),
            "toolConfig": self.tool_config(),
            "generationConfig": self.config(),
            "serviceTier": self.service_tier(),
            "store": self.store(),
        }
        self.foreign()
        return self.turns.beside(body, request.extras, "") if request.extras else body

    def foreign(self) -> None:
        """Fields of other dialects that Gemini cannot say."""
        request = self.request
        for name, why in _FOREIGN.items():
            if getattr(request, name) is not None:
                grave = "parameter" if name == "parallel_tool_calls" and not request.parallel_tool_calls else "cosmetic"
                self.losses.add(name, why, _GRAVE.get(name, grave))  # type: ignore[arg-type]
        if request.betas:
            self.losses.add("betas", "beta headers are Anthropic's", "cosmetic")

    # tools

    def tools(self) -> list[Json] | None:
        functions = []
        others = []
        for index, tool in enumerate(self.request.tools):
            path = f"tools[{index}]"
            if tool.cache is not None:
                self.losses.add(f"{path}.cache", "Gemini caches by itself or by name, not by marks", "cosmetic")
            if isinstance(tool, Tool):
                functions.append(self.function(path, tool))
            elif (own := self.server_tool(path, tool)) is not None:
                others.append(own)
        return ([{"functionDeclarations": functions}] if functions else []) + others or None

    def function(self, path: str, tool: Tool) -> Json:
        body: Json = {"name": tool.name}
        if tool.description is not None:
            body["description"] = tool.description
        if tool.parameters is not None:
            body |= self.parameters(path, tool.parameters)
        if tool.strict is not None:
            self.losses.add(f"{path}.strict", "Gemini's functions have no `strict`", "cosmetic")
        for name in ("namespace", "namespace_description", "format", "deferred"):
            if getattr(tool, name) is not None:
                self.losses.add(f"{path}.{name}", f"Gemini has no {name} of tools", "cosmetic")
        return self.turns.beside(body, tool.extras, f"{path}.") if tool.extras else body

    def parameters(self, path: str, schema: Raw) -> Json:
        if JSON_SCHEMA not in self.target.unsupported:
            return {"parametersJsonSchema": schema}
        return {"parameters": to_subset(schema, self._lost(f"{path}.parameters"))}

    def _lost(self, path: str) -> Any:
        return lambda inner, why: self.losses.add(f"{path}.{inner}", why)

    def server_tool(self, path: str, tool: ServerTool) -> Json | None:
        if tool.origin == NAME:
            return dict(split(tool.data))
        self.losses.add(path, f"the server tool {tool.type} exists at {tool.origin} only", "content")
        return None

    def tool_config(self) -> Json | None:
        choice = self.request.tool_choice
        if choice is None:
            return None
        said = self.choice(choice)
        if said is None:
            lose_extras(choice.extras, "tool_choice.", "there is nothing to choose from", self.losses)
            return None
        return {"functionCallingConfig": self.turns.beside(said, choice.extras, "tool_choice.")}

    def choice(self, choice: ToolChoice) -> Json | None:
        if not any(isinstance(tool, Tool) for tool in self.request.tools):
            return None
        if choice.origin == NAME and choice.native is not None:
            return dict(split(choice.native))
        if choice.mode == "native":
            self.losses.add("tool_choice", f"this choice is understood by {choice.origin} only")
            return None
        if not self.target.tool_choice_required and choice.mode in ("required", "named"):
            self.losses.add("tool_choice", "the target cannot be forced to call a tool")
            return {"mode": "AUTO"}
        body: Json = {"mode": _CHOICES[choice.mode]}
        return body | ({"allowedFunctionNames": [choice.name]} if choice.mode == "named" else {})

    # generationConfig

    def config(self) -> Json | None:
        said: Json = {"maxOutputTokens": self.request.max_tokens, **self.sampling(), **self.output()}
        said["thinkingConfig"] = self.thinking()
        return {name: value for name, value in said.items() if value is not None} or None

    def sampling(self) -> Json:
        sampling = self.request.sampling
        if (sampling.n or 1) > 1:
            raise ClientError(Kind.UNSUPPORTED, "Across dialects a request gets one answer; n must be 1.", param="n")
        for name in _UNKNOWN_SAMPLING:
            if getattr(sampling, name) is not None:
                self.losses.add(f"sampling.{name}", f"Gemini has no {name}")
        said: Json = {}
        for name, field in _SAMPLING.items():
            value = getattr(sampling, name)
            if value is None:
                continue
            if f"sampling.{name}" in self.target.unsupported or not self.target.sampling:
                self.losses.add(f"sampling.{name}", f"the model takes no {name}")
            else:
                said[field] = value
        if sampling.stop is not None:
            said["stopSequences"] = self.stops(sampling.stop)
        if sampling.n is not None:
            said["candidateCount"] = sampling.n
        return said

    def stops(self, stop: tuple[str, ...]) -> list[str]:
        if len(stop) > MOST_STOPS:
            self.losses.add("sampling.stop", f"Gemini takes {MOST_STOPS} stop sequences; the first ones were kept")
        return list(stop[:MOST_STOPS])

    def output(self) -> Json:
        output = self.request.output
        if output is None:
            return {}
        lose_extras(output.extras, "output.", "it is a field of another dialect only", self.losses)
        if output.kind == "text":
            return {}
        for name in ("name", "description", "strict"):
            if getattr(output, name) is not None:
                self.losses.add(f"output.{name}", f"Gemini has no {name} of a schema", "cosmetic")
        said: Json = {"responseMimeType": "application/json"}
        if output.schema is None:
            return said
        if JSON_SCHEMA in self.target.unsupported:
            return said | {"responseSchema": to_subset(output.schema, self._lost("output.schema"))}
        return said | {"responseJsonSchema": output.schema}

    def thinking(self) -> Json | None:
        """thinkingConfig; thought is asked to be shown unless the client would rather not see it."""
        wish = self.request.reasoning
        if wish is None:
            return None
        if self.target.reasoning_style == "none":
            self.losses.add("reasoning", "the model cannot be asked for reasoning")
            return None
        if wish.summary is not None:
            self.losses.add("reasoning.summary", "Gemini has no forms of summary", "cosmetic")
        off = wish.mode == "disabled" or wish.effort == "none"
        amount = self.off() if off else self.amount(wish)
        if wish.mode == "disabled" and wish.effort not in (None, "none"):
            self.losses.add("reasoning.effort", "turning reasoning off overrules it", "cosmetic")
        shown = {} if off else {"includeThoughts": not wish.exclude}
        return self.turns.beside({**amount, **shown}, wish.extras, "reasoning.") or None

    def off(self) -> Json:
        if signs(self.target.model):  # they cannot be kept from thinking
            self.losses.add("reasoning.mode", "the model always thinks; its lowest level was asked for", "cosmetic")
            return {"thinkingLevel": "MINIMAL" if "flash" in self.target.model else "LOW"}
        return {"thinkingBudget": 0}

    def amount(self, wish: ReasoningWish) -> Json:
        if wish.budget is not None:
            if wish.effort is not None:
                self.losses.add("reasoning.effort", "Gemini takes a level or a budget", "cosmetic")
            return {"thinkingBudget": wish.budget}
        if wish.effort is None:
            if wish.mode == "enabled":
                self.losses.add("reasoning.mode", "without a budget the model thinks as much as it wants", "cosmetic")
            return {} if wish.mode is None else {"thinkingBudget": -1}
        if wish.mode is not None:
            self.losses.add("reasoning.mode", "a level says how much to think", "cosmetic")
        if _BY_BUDGET.match(self.target.model):
            self.losses.add("reasoning.effort", "effort was turned into a token budget", "cosmetic")
            return {"thinkingBudget": BUDGETS.get(wish.effort, 8192)}
        level = LEVELS.get(wish.effort, "HIGH")
        if level.lower() != wish.effort:
            self.losses.add("reasoning.effort", f"Gemini knows no effort {wish.effort}; high is nearest", "cosmetic")
        return {"thinkingLevel": level}

    # the rest

    def service_tier(self) -> str | None:
        tier = self.request.service_tier
        if tier is None or tier in _TIERS:
            return tier
        self.losses.add("service_tier", f"Gemini has no service tier {tier}", "cosmetic")
        return None

    def store(self) -> bool | None:
        if self.request.protocol == NAME or self.request.store is None:
            return self.request.store
        self.losses.add("store", "a request cannot say here whether Google stores it", "cosmetic")
        return None
