"""The few facts about a target that a renderer or an adapter may read.

This struct keeps protocols below the catalogue: the catalogue fills it in from a provider's quirks and a model's
profile; renderers know nothing else about where their bytes go.  Every default means "the protocol as its inventor
serves it".

Rules of this file: values only; a new fact needs a default that changes nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hexapla.ir.content import Origin


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request is rendered to (or, with `model` empty, the client dialect that an answer is rendered to)."""

    origin: Origin  # protocol and provider of the target
    model: str = ""  # the id that the upstream wants to hear
    stream: bool = False

    # limits
    max_output: int | None = None  # the model's own output limit in tokens
    max_tokens_field: str | None = None  # Chat: which name carries the limit; None: max_tokens unless a quirk renames

    # conversation
    developer_role: bool = True  # False: developer becomes system
    system_role: bool = True  # False: system becomes developer
    single_system: bool = False  # True: all system messages joined into the first
    mid_system: bool = True  # False: later system messages become user text in <system-reminder>
    alternation: bool = False  # True: consecutive same-role messages are joined
    content_strings: bool = False  # True: text-only content is sent as a string, never as parts
    pairs_required: bool = False  # True: every tool call needs its result and the other way round
    prefill: bool = True  # False: a final assistant message cannot be continued
    tool_result_media: bool = True  # False: images in results move to a following user message
    media_urls: bool = True  # False: only base64 is taken
    # True: keeps Messages' threads; all but the inventor would answer without what was said before
    threads: bool = False
    cache_marks: int = 4  # how many cache_control marks the target takes; 0: none

    # tools
    tool_name_pattern: str = r"^[a-zA-Z0-9_-]{1,64}$"
    tool_id_pattern: str | None = None  # None: anything goes
    # False: freeform tools become {input: string} functions; None: Responses knows them
    custom_tools: bool | None = None
    namespaces: bool | None = None  # False: namespace tools become namespace__name; None: Responses knows them
    strict_tools: bool = True  # False: `strict` is dropped
    tool_choice_required: bool = True  # False: required / named become auto (Loss)

    # reasoning
    replay_reasoning: Literal["origin", "always", "never"] = "origin"
    thinks: bool = False  # True: the model thinks unless it is told not to
    demands_thought: bool = False  # True: a turn with calls is refused without the thought before them
    stores: bool = False  # True: Responses, and its items are known by their ids until the client forbids it
    reasoning_field: str = ""  # Chat: the only field in which thought is taken back; "": the one in which it came
    # how effort is asked for; "" is the protocol's own way
    reasoning_style: Literal["", "openrouter", "enable_thinking", "thinking", "none"] = ""
    effort_levels: tuple[str, ...] = ()  # levels that the model knows; () is all
    adaptive_only: bool = False  # Messages models that refuse budgets

    # output and sampling
    json_schema: Literal["native", "tool", "instruction"] = "native"
    json_object: bool = True
    sampling: bool = True  # False: the model refuses sampling parameters
    both_samplings: bool = True  # False: it takes temperature or top_p, not both
    unsupported: frozenset[str] = frozenset()  # IR fields that this provider refuses ("sampling.seed")
    stream_usage: bool = True  # Chat: understands stream_options.include_usage
