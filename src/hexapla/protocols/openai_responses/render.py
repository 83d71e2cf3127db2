"""A request as a Responses body.

What Responses, or this target, cannot say is a Loss; asking for several answers is refused, since one would be a different
request.  `input` is always a list of items: every server takes one, Codex' backend takes nothing else ("Input must be a
list", https://github.com/zyycn/codex-proxy-rs/issues/178, 2026-09).

Whose thought can come back: a Responses client says so itself (`include` stands in its extras and is left as it is).  For
a client of another dialect that wants thought, `reasoning.encrypted_content` is asked for whatever `store` says: its next
request holds the whole conversation, and an item's id alone would be worth nothing to a server that stores nothing.  So it
is where nobody speaks of thought, but the request has tools and the model thinks all the same.  It is not asked for
otherwise, since models that do not think refuse it ("Encrypted content is not supported with this model",
https://github.com/pydantic/pydantic-ai/issues/2865, 2025-09).

Rules of this file: fields only; the conversation is written by `turns.py`, tools by `tools.py`, the wish by `effort.py`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ClientError, Kind
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, OutputFormat
from hexapla.ir.target import Target
from hexapla.protocols.base import nothing_left
from hexapla.protocols.extras import beside, own_extras, put
from hexapla.protocols.openai_responses.effort import render_effort, wants_thought
from hexapla.protocols.openai_responses.tools import render_choice, render_tools
from hexapla.protocols.openai_responses.turns import Turns
from hexapla.protocols.openai_responses.words import NAME, TIERS
from hexapla.wire.rawjson import join, load

Json = dict[str, Any]

ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
LEAST_LIMIT = 16

_SAMPLED = ("temperature", "top_p", "top_logprobs")
_WIRE: dict[str, str] = {
    # names in the interlingua that are others here
    "max_tokens": "max_output_tokens",
    "cache_key": "prompt_cache_key",
    "continues": "previous_response_id",
    "verbosity": "text.verbosity",
    "output": "text.format",
}


def render_request(request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
    """Request -> upstream body."""
    body = Body(request, target, losses).fields()
    return join(body)


class Body:
    """One rendering: the request, whom it is for, and what was lost so far."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self._request = request
        self._target = target
        self._losses = losses
        self._turns = Turns(request, target, losses)

    def fields(self) -> Json:
        """The whole body."""
        request = self._request
        self._foreign()
        extras = own_extras(request.extras, NAME, "", self._losses, alike=self._turns.alike) if request.extras else {}
        include = self._include(extras.pop("include", None))
        body: Json = {"model": request.model, "input": self._turns.items()} | self.parameters()
        if not body["input"] and request.protocol != NAME:
            raise nothing_left("input")
        if request.stream:
            body["stream"] = True
        if include:
            body["include"] = include
        body = put(body, extras)
        for path in sorted(self._target.unsupported):
            self._refused(body, path)
        return body

    def parameters(self) -> Json:
        """Everything but the conversation."""
        request = self._request
        tools = render_tools(request, self._target, self._losses)
        said: Json = {
            "instructions": self._turns.instructions(),
            "tools": tools or None,
            "tool_choice": self._choice(among=bool(tools)),
            "parallel_tool_calls": request.parallel_tool_calls,
            "max_output_tokens": self._limit(),
            **self._sampling(),
            "reasoning": self._reasoning(),
            "text": self._text(),
            "user": request.user,
            "metadata": request.metadata,
            "service_tier": self._tier(),
            "store": request.store,
            "prompt_cache_key": request.cache_key,
            "safety_identifier": request.safety_identifier,
            "previous_response_id": request.continues,
        }
        return {name: value for name, value in said.items() if value is not None}

    def _choice(self, *, among: bool) -> Any:
        """A choice among no tools is refused, but a conversation that the vendor keeps may have them elsewhere."""
        choice = self._request.tool_choice
        if choice is None or among or self._request.protocol == NAME:
            return render_choice(choice, self._target, self._losses)
        self._losses.add("tool_choice", "the request has no tools", "cosmetic")
        return None

    def _limit(self) -> int | None:
        """The client's limit, or the least one that Responses takes: Claude Code warms up with one token
        (https://github.com/BerriAI/litellm/pull/31536, 2026-06)."""
        limit = self._request.max_tokens
        if limit is None or limit >= LEAST_LIMIT or self._request.protocol == NAME:
            return limit
        self._losses.add("max_tokens", f"Responses takes no limit below {LEAST_LIMIT}", "cosmetic")
        return LEAST_LIMIT

    def _foreign(self) -> None:
        """What no Responses request has."""
        request = self._request
        if request.cache is not None:
            self._losses.add("cache", "Responses takes no cache marks", "cosmetic")
        if request.betas:
            self._losses.add("betas", "beta headers are Anthropic's", "cosmetic")

    def _include(self, said: Raw | None) -> list[str]:
        """The client's list, and what the request needs beside it."""
        listed = (load(said, list[str]) or []) if said is not None else []
        request = self._request
        if request.sampling.logprobs:
            listed.append(LOGPROBS)
        if request.protocol != NAME and self._thinks() and self._takes_include():
            listed.append(ENCRYPTED)
        return list(dict.fromkeys(listed))

    def _thinks(self) -> bool:
        """Whether there will be thought that is worth something to the next request."""
        request = self._request
        unasked = request.reasoning is None and self._target.thinks and bool(request.tools)
        return unasked or wants_thought(request)

    def _takes_include(self) -> bool:
        return self._target.reasoning_style != "none" and "include" not in self._target.unsupported

    def _refused(self, body: Json, path: str) -> None:
        """Take out a field that this provider refuses."""
        said = path.removeprefix("sampling.")
        outer, _, inner = _WIRE.get(said, said).partition(".")
        holder = body if not inner else body.get(outer)
        if isinstance(holder, dict) and holder.pop(inner or outer, None) is not None:
            self._losses.add(path, f"{self._target.origin.provider or 'the target'} refuses {inner or outer}")
            if not holder:
                del body[outer]

    def _tier(self) -> str | None:
        """OpenAI's tiers; those of another dialect mean something else."""
        tier = self._request.service_tier
        if tier is None or tier in TIERS or self._request.protocol == NAME:
            return tier
        self._losses.add("service_tier", f"{tier} is no service tier of Responses")
        return None

    def _sampling(self) -> Json:
        sampling = self._request.sampling
        if (sampling.n or 1) > 1:
            raise ClientError(Kind.UNSUPPORTED, "Responses gives one answer per request; n must be 1.", param="n")
        if sampling.logprobs is False:
            self._losses.add("sampling.logprobs", "Responses gives none unless asked", "cosmetic")
        said: Json = {}
        for name in sampling.__struct_fields__:
            value = getattr(sampling, name)
            if value is None or value == () or name == "logprobs":
                continue
            if name == "n":
                self._losses.add("sampling.n", "Responses always gives one answer", "cosmetic")
            elif name not in _SAMPLED:
                self._losses.add(f"sampling.{name}", f"Responses has no {name}")
            elif not self._target.sampling:
                self._losses.add(f"sampling.{name}", "the model takes no sampling parameters")
            else:
                said[name] = value
        return said

    def _reasoning(self) -> Json | None:
        wish = self._request.reasoning
        said = render_effort(self._request, self._target, self._losses)
        if wish is None or said is None:
            return None
        return beside(said, wish.extras, NAME, "reasoning.", self._losses) or None

    def _text(self) -> Json | None:
        request = self._request
        said: Json = {}
        if request.output is not None:
            said["format"] = self._format(request.output)
        if request.verbosity is not None:
            said["verbosity"] = request.verbosity
        return said or None

    def _format(self, output: OutputFormat) -> Json:
        if output.kind != "json_schema":
            if output.schema is not None:
                self._losses.add("output.schema", f"Responses has no schema beside {output.kind}")
            return beside({"type": output.kind}, output.extras, NAME, "output.", self._losses)
        if output.name is None:
            self._losses.add("output.name", "Responses wants a name for a schema", "cosmetic")
        if output.schema is None and self._request.protocol != NAME:
            self._losses.add("output.schema", "Responses wants a schema; an empty one takes everything", "cosmetic")
            output = replace(output, schema=Raw(b"{}"))
        body: Json = {"type": "json_schema", "name": output.name or "response"}
        said = {"description": output.description, "schema": output.schema, "strict": output.strict}
        body |= {name: value for name, value in said.items() if value is not None}
        return beside(body, output.extras, NAME, "output.", self._losses)
