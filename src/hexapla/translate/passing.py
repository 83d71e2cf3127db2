"""Opening the Verbatim and Patch lanes: the client's own bytes, with other values of some top-level fields.

Where calls should come back with their thought (demanded.py), what the client lost of it is put back into the
conversation, and what it may lose of the answer is heard.

Rules of this file: pure; what is said otherwise than the client said it is named by its top-level field.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Raw
from msgspec.structs import replace

from hexapla.catalog.quirks import edit, edit_losses
from hexapla.catalog.schema import Quirks
from hexapla.errors import ClientError, ProtocolError
from hexapla.ir.target import Target
from hexapla.translate.demanded import asked_for, brings_thought, lacks_thought
from hexapla.translate.ours import OURS, PLUGINS, unknown
from hexapla.translate.overheard import Overheard
from hexapla.translate.peek import Peek
from hexapla.translate.question import Question, Towards
from hexapla.translate.recalled import conversation
from hexapla.translate.verbatim import Verbatim
from hexapla.wire.rawjson import NULL, dump, join, split

NOTHING: Mapping[str, Raw] = {}
USAGE_ON = Raw(b'{"include_usage":true}')
_named = lru_cache(maxsize=1024)(dump)


def open_verbatim(
    asked: Question, to: Towards, name: str, said: Mapping[str, Raw] = NOTHING, kind: type[Verbatim] = Verbatim
) -> Verbatim:
    """The lane of this name; `said`: fields that say something else."""
    peeked, target = asked.peeked, to.target
    changes = dict(said)
    if peeked.protocol != "gemini_generate" and target.model != peeked.model:
        changes["model"] = _named(target.model)
    asks = peeked.stream and target.origin.protocol == "openai_chat" and target.stream_usage
    hide = asks and not (peeked.include_usage or asked.reply.openrouter)
    if asks and not peeked.include_usage:
        changes["stream_options"] = _with_usage(peeked.fields.get("stream_options"))
    losses = asked.lost
    if name == "patch":
        losses += edit_losses(peeked.fields, to.quirks, target.origin.provider)
    if peeked.plugins is not None and to.keep.isdisjoint(PLUGINS):
        losses += unknown(peeked.plugins)
    if losses:
        asked.judge(losses)
    body = _edited(peeked, changes, to.quirks if name == "patch" else None, to.keep)
    reply = replace(asked.reply, model=target.model, provider=to.provider)
    return kind(asked.client, reply, peeked, body, name=name, hide_usage=hide, losses=losses)


def open_mindful(asked: Question, to: Towards, name: str) -> Verbatim:
    """The same at a target that should see calls again with their thought."""
    if asked.thoughts is None or not asked.thoughts.limit:
        return open_verbatim(asked, to, name)
    said = asked_for(asked.peeked) | _put_back(asked, to.target)
    kind = Verbatim if brings_thought(asked.peeked) else Overheard
    lane = open_verbatim(asked, to, "patch" if said else name, said, kind)
    if isinstance(lane, Overheard):
        lane.hearing = asked.hearing(to.target)
    return lane


def _put_back(asked: Question, target: Target) -> dict[str, Raw]:
    """The conversation with the thought that the client lost; nothing where it lost none, or nobody has it."""
    assert asked.thoughts is not None
    if not asked.thoughts.held or not lacks_thought(asked.peeked):
        return {}
    try:
        request = asked.request(target)
        return {} if request is asked.request() else conversation(asked.client, request, target)
    except (ClientError, ProtocolError):
        return {}  # the vendor may know better


def _edited(peeked: Peek, changes: dict[str, Raw], quirks: Quirks | None, keep: frozenset[str]) -> bytes:
    """The client's body with other values of some top-level fields, and without what speaks to us."""
    ours = OURS.intersection(peeked.fields) - keep
    if peeked.protocol == "gemini_generate" and "model" in peeked.fields:
        ours |= {"model"}  # it stands in the URL
    fields = peeked.fields | changes
    for name in ours:
        del fields[name]
    edited = fields if quirks is None else edit(fields, quirks)
    untouched = edited is fields and not ours and not changes
    return peeked.body if untouched else join(edited)


def _with_usage(options: Raw | None) -> Raw:
    """stream_options that ask for usage, whatever else the client put there."""
    if options is None or options == NULL:
        return USAGE_ON
    fields: Mapping[str, Raw] = split(options) | {"include_usage": Raw(b"true")}
    return Raw(join(fields))
