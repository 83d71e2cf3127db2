"""A request as a Messages body.

`max_tokens`, which the API demands, is the client's, else the model's own limit, else a constant.  What Messages, or this
model, cannot take is a Loss.

Rules of this file: top-level fields (`turns.py` writes the conversation, `tools.py`, `thinking.py` and `sampling.py` what
their names say).
"""

from __future__ import annotations

from msgspec import Raw

from hexapla.ir.loss import LossLog, Severity
from hexapla.ir.request import GenerateRequest, OutputFormat
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages.sampling import render_sampling
from hexapla.protocols.anthropic_messages.thinking import render_thinking
from hexapla.protocols.anthropic_messages.tools import render_choice, render_tools
from hexapla.protocols.anthropic_messages.turns import Json, Turns
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.closed import closed_text
from hexapla.protocols.extras import lose_extras
from hexapla.wire.rawjson import join, split

DEFAULT_MAX_TOKENS = 32_000
"""What Claude Code asks of models it does not know; every current Claude allows it."""

_FOREIGN: dict[str, tuple[str, Severity]] = {
    # fields of other dialects that Messages cannot say
    "verbosity": ("Messages has no verbosity", "parameter"),
    "store": ("Messages stores nothing", "cosmetic"),
    "cache_key": ("Messages caches by marks, not by key", "cosmetic"),
    "safety_identifier": ("Messages has no safety identifier", "cosmetic"),
    "continues": ("Messages has no stored conversations", "content"),
}
_TIERS = frozenset({"auto", "standard_only"})


def render_request(request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
    """Request -> upstream body.  Raises ClientError for n > 1, and where nothing of the conversation can be said."""
    body = _Body(request, target, losses).fields()
    return join({name: value for name, value in body.items() if value is not None})


class _Body:
    """One rendering."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self._request = request
        self._target = target
        self._losses = losses
        self._turns = Turns(request, target, losses)

    def fields(self) -> Json:
        request, turns = self._request, self._turns
        max_tokens = request.max_tokens
        if max_tokens is None:  # zero is a wish: it fills the cache and says nothing
            max_tokens = self._target.max_output or DEFAULT_MAX_TOKENS
        body: Json = {"model": request.model, "max_tokens": max_tokens} | turns.render()
        thinking: Json | None = None
        config: Json = {}
        if request.reasoning is not None:
            thinking, config = render_thinking(request.reasoning, turns, max_tokens)
        if request.tools:
            body["tools"] = render_tools(turns) or None
            body["tool_choice"] = render_choice(turns, request.tool_choice, thinking)
        elif request.tool_choice is not None or request.parallel_tool_calls is not None:
            self._toolless()
        body["thinking"] = thinking
        if request.user is not None or request.metadata is not None:
            body["metadata"] = self._metadata()
        if request.service_tier is not None:
            body["service_tier"] = self._tier(request.service_tier)
        if request.cache is not None:
            body["cache_control"] = turns.mark(request.cache, "cache")
        if request.stream:
            body["stream"] = True
        body |= render_sampling(request.sampling, self._target, thinking, self._losses)
        if request.output is not None and (output := self._output(request.output)) is not None:
            config["format"] = output
        self._foreign()
        if config:
            body["output_config"] = config
        return turns.beside(body, request.extras, "") if request.extras else body

    def _foreign(self) -> None:
        for name, (why, severity) in _FOREIGN.items():
            if getattr(self._request, name) is not None:
                self._losses.add(name, why, severity)

    def _output(self, output: OutputFormat) -> Json | None:
        if output.kind == "text":
            lose_extras(output.extras, "output.", "Messages answers in text unless told otherwise", self._losses)
            return None
        if output.kind == "json_object":
            self._losses.add("output", "Messages has no JSON mode without a schema")
            return None
        own = self._request.protocol == NAME
        for name in ("name", "description", "strict") if not own else ():
            if getattr(output, name) is not None:
                self._losses.add(f"output.{name}", f"Messages has no {name} of a schema", "cosmetic")
        schema = output.schema or Raw(b"{}")
        body: Json = {"type": "json_schema", "schema": schema if own else closed_text(schema)}
        body |= {"name": output.name} if output.name and own else {}
        return self._turns.beside(body, output.extras, "output.")

    def _toolless(self) -> None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if getattr(self._request, name) is not None:
                self._losses.add(name, "the request has no tools", "cosmetic")

    def _metadata(self) -> Json | None:
        """The user's id, and what else a Messages client said beside it."""
        request = self._request
        said: Json = {} if request.user is None else {"user_id": request.user}
        if request.protocol == NAME and request.metadata is not None:
            said |= split(request.metadata)
        elif request.metadata is not None:
            self._losses.add("metadata", "Messages has no metadata but the user's id", "cosmetic")
        return said or None

    def _tier(self, tier: str) -> str | None:
        if tier in _TIERS:
            return tier
        self._losses.add("service_tier", f"Messages has no service tier {tier}", "cosmetic")
        return None
