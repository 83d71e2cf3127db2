"""What the gateway does for a request beside translating it: searches, mended JSON, shorter prompts (plugins/).

Everything that is done here is done to parsed values, so such a request goes through the Hub, whatever the target speaks;
a request that asks for nothing of it never comes here.

Rules of this file: pure; what was asked and cannot be done is a Loss, or refused before (routing/filters.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hexapla.catalog.schema import Model, Search
from hexapla.ir.event import AnyEvent
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.response import GenerateResponse
from hexapla.plugins import documents
from hexapla.plugins.asked import Plugins, Wish
from hexapla.plugins.found import MESSAGES, Cited, Led, Trailed, question, search_blocks, told
from hexapla.plugins.healing import Healed
from hexapla.plugins.middle_out import shortened
from hexapla.plugins.native import asking, way, without_search
from hexapla.plugins.services import Hit
from hexapla.translate.adapt.restore import Restore
from hexapla.translate.summary import Stage

Step = Callable[[AnyEvent], Iterable[AnyEvent]]
"""What is done to an answer's events, one by one."""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway found for a request, by which words and when."""

    hits: tuple[Hit, ...] = ()
    query: str = ""
    date: str = ""


class Work(msgspec.Struct, kw_only=True):
    """What is done for one request at one target.

    request  as it is to be translated;  fields  further ones at the top level of its body
    steps    what is done to the answer
    done     whether anything is, be it that sources of the vendor's own kind become the dialect's
    stages   what is, in words
    """

    request: GenerateRequest
    fields: Mapping[str, Any] = {}
    steps: Sequence[Step] = ()
    done: bool = False
    stages: tuple[Stage, ...] = ()

    def add(self, kind: str, name: str, summary: str) -> None:
        """Something is done."""
        self.stages, self.done = (*self.stages, Stage(kind, name, summary)), True


def worked(
    request: GenerateRequest,
    plugins: Plugins,
    protocol: str,
    search: Search | None,
    facts: Model | None,
    results: Results | None,
    texts: documents.Texts | None,
    losses: LossLog,
) -> Work | None:
    """What is done for `request` at an endpoint of `protocol`; None where nothing is to be done.

    results  of the search that was made for it; None where none was
    texts    of its PDFs; None where nobody read them
    """
    work = Work(request=request)
    if texts is not None and documents.wanted(plugins.pdf, facts):
        work.request = documents.told(request, texts, losses)
        work.add("plugin", "file-parser", "documents were read for a model that reads none")
    wish = plugins.search
    if wish is not None and not (wish.foreign and request.protocol == protocol):
        _search(work, wish, protocol, search, results, losses)
    if plugins.compresses and facts is not None and facts.context:
        before, work.request = work.request, shortened(work.request, facts.context, losses)
        if work.request is not before:
            work.add("context_compression", "context-compression", "the middle of the conversation was left out")
    if plugins.heals and not request.stream and request.output is not None and request.output.kind != "text":
        work.steps = (*work.steps, Healed())
        work.add("response_healing", "response-healing", "JSON that is almost right is mended")
    return work if work.done else None


def _search(
    work: Work, wish: Wish, protocol: str, search: Search | None, results: Results | None, losses: LossLog
) -> None:
    chosen = way(wish, search, configured=results is not None)
    blocks = wish.foreign and work.request.protocol == MESSAGES.protocol  # as Anthropic's clients read a search
    if chosen == "native" and search is not None:
        said = work.request.extras.get(protocol, {})
        if search.fields and not wish.must and search.fields.keys() <= said.keys():
            return  # the request says it itself, in the endpoint's own words
        if blocks:
            work.steps = (*work.steps, Trailed(question(work.request, fresh=False)))
        work.request, work.fields = asking(work.request, wish, search, protocol, losses)
        work.add("plugin", "web", "the provider searches")
    elif chosen == "found" and results is not None:
        work.request = told(without_search(work.request), results.hits, wish.prompt, results.date)
        work.steps = (*work.steps, Cited(results.hits))
        work.add("plugin", "web", f"{len(results.hits)} pages were found")
        if blocks:
            work.steps = (*work.steps, Led(search_blocks(results.query, results.hits)))
    elif not wish.foreign and wish.must:
        work.request = without_search(work.request)  # nobody has just asked anything
    else:
        return
    work.done = True


class Plugged(Restore, kw_only=True, eq=False):
    """The way back of a request, and after it the steps of its plugins."""

    inner: Restore
    steps: Sequence[Step]

    @property
    def text_passes(self) -> bool:
        return False

    def feed(self, event: AnyEvent) -> tuple[AnyEvent, ...]:
        events = self.inner.feed(event)
        for step in self.steps:
            events = tuple(said for each in events for said in step(each))
        return events

    def whole(self, response: GenerateResponse) -> None:
        return None
