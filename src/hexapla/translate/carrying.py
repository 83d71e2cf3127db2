"""Opening the Hub: the request is bent to its target, written in the target's dialect, and its answer carried back.

What else is done on the way stands apart: the plugins' work (plugged.py), a beginning of the client's own (prefill.py),
an answer that somebody else has begun (resume.py).

Rules of this file: pure; every loss is in the lane's log before `strict` is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from hexapla.catalog.quirks import edit, strip_losses
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.plugins.asked import Plugins
from hexapla.protocols import PROTOCOLS
from hexapla.translate.adapt.adapt import adapt
from hexapla.translate.adapt.restore import Restore
from hexapla.translate.choose import edits
from hexapla.translate.continuation import begins, continued, way_on
from hexapla.translate.hub import Hub
from hexapla.translate.lane import Begun
from hexapla.translate.ours import PLUGINS, unknown
from hexapla.translate.plugged import Plugged, Step, Work, worked
from hexapla.translate.prefill import Beginning, beginning
from hexapla.translate.question import Question, Towards
from hexapla.translate.resume import Resumable, Telling
from hexapla.wire.rawjson import join, split

H = TypeVar("H", bound=Hub)


def open_hub(
    asked: Question,
    to: Towards,
    request: GenerateRequest,
    kind: type[H],
    *,
    losses: LossLog | None = None,
    steps: Sequence[Step] = (),
) -> H:
    """The lane for `request`.  `losses` so far;  `steps` of its answer on the way back."""
    losses = LossLog() if losses is None else losses
    begun, told = _begun(asked, to, request)
    if told is not None:
        steps = (*steps, *told.steps)
    body, restore = _written(told.request if told is not None else request, to, losses)
    plugins = asked.peeked.plugins
    if plugins is not None and to.quirks.set.keys().isdisjoint(PLUGINS):
        losses.extend(unknown(plugins))
    if asked.lost:
        losses.extend(asked.lost)
    if asked.on_loss == "strict":
        asked.judge(losses.losses)
    reply = replace(asked.reply, model=to.target.model, request=request, provider=to.provider)
    upstream = PROTOCOLS[to.target.origin.protocol]
    if steps:
        restore = Plugged(restore.provider, tools=restore.tools, inner=restore, steps=steps)
    lane = kind(asked.client, upstream, reply, body, losses, restore)
    lane.begun = begun
    if request.tools:
        lane.hearing = asked.hearing(to.target)
    return lane


def open_resumable(asked: Question, to: Towards, telling: Telling) -> Resumable:
    """The Hub, with the answer so far told to the target, and what it says told after that."""
    said, request = telling.said, asked.request(to.target)
    way = None if telling.begun.refused else way_on(request, to.target, to.quirks)
    put = request if said is None else continued(request, said.text, to.target, way)
    lane = open_hub(asked, to, put, Resumable)
    lane.join(telling, to.target, way, begins(request))
    return lane


def open_plugged(asked: Question, to: Towards, plugins: Plugins) -> Hub | None:
    """The Hub with what the plugins do; None where they have nothing to do at this target."""
    losses, said, quirks = LossLog(), {}, to.quirks
    if not to.keep.isdisjoint(PLUGINS):  # a gateway that runs them is told of them, and of tools in its own words
        said = {name: asked.peeked.fields[name] for name in PLUGINS if name in asked.peeked.fields}
        plugins = Plugins(search=plugins.search if plugins.search is not None and plugins.search.tool else None)
    request, protocol = asked.request(to.target), to.target.origin.protocol
    work = worked(request, plugins, protocol, quirks.search, to.facts, asked.results, asked.texts, losses)
    if work is None:
        if not said:
            return None
        work = Work(request=request, done=True)
    if work.fields or said:
        to = replace(to, quirks=replace(quirks, set={**quirks.set, **work.fields, **said}))
    lane = open_hub(asked, to, work.request, Hub, losses=losses, steps=work.steps)
    lane.summary.stages = work.stages
    return lane


def _begun(asked: Question, to: Towards, request: GenerateRequest) -> tuple[Begun | None, Beginning | None]:
    """Whether the target goes on in a turn that the client began, and how it is told of that; None: not in this one."""
    told = beginning(request, to.target, to.quirks)
    begun = None if told is None else asked.begun.setdefault(to.target, Begun())
    return (None, None) if begun is None or begun.refused else (begun, told)


def _written(request: GenerateRequest, to: Towards, losses: LossLog) -> tuple[bytes, Restore]:
    """`request` in the target's dialect, and what bends its answer back."""
    target, quirks = to.target, to.quirks
    if target.stream != request.stream:
        target = replace(target, stream=request.stream)
    bent, restore = adapt(replace(request, model=target.model), target, losses, think_tags=quirks.think_tags)
    body = PROTOCOLS[target.origin.protocol].render_request(bent, target, losses)
    if edits(quirks):
        fields = split(body)
        losses.extend(strip_losses(fields, quirks, to.provider) if quirks.strip else ())
        body = join(edit(fields, quirks))
    return body, restore
