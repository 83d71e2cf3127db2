"""Opening a lane: the client's request in the form that one endpoint takes.

Which lane it is, is decided here; passing.py opens those in the client's own dialect, carrying.py the Hub.  A request that
is put otherwise to some endpoints (with reasoning on, at another service tier, as an entry of its `fallbacks` has it) is
another question, made once.

Rules of this file: pure; the client's body is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from hexapla.catalog.schema import Model, Quirks
from hexapla.ir.target import Target
from hexapla.plugins.asked import Plugins, online
from hexapla.translate.carrying import open_hub, open_plugged, open_resumable
from hexapla.translate.checks import check, check_thread
from hexapla.translate.choose import choose_lane
from hexapla.translate.continuation import resumable
from hexapla.translate.demanded import minds_thought
from hexapla.translate.fallbacks import Entry
from hexapla.translate.hosted import HOSTED, without_hosted
from hexapla.translate.hub import Hub
from hexapla.translate.lane import Lane
from hexapla.translate.ours import PLUGINS
from hexapla.translate.passing import open_mindful, open_verbatim
from hexapla.translate.peek import Peek
from hexapla.translate.question import Question, Towards
from hexapla.translate.thinking import thinking
from hexapla.wire.rawjson import dump, join

TIER = {"gemini_generate": "serviceTier"}
"""Where a dialect names the service tier, if not in `service_tier`."""


class Translation(Question):
    """One client request, ready to be opened towards any endpoint."""

    _checked = False
    _others: dict[str, Translation] | None = None
    _unhosted: Translation | None = None

    # the same request, put otherwise

    def thinking(self) -> Translation:
        """With reasoning on, where it says nothing of it.  Raises ClientError."""
        return self._other("thinking", partial(thinking, self.peeked))

    def at(self, tier: str) -> Translation:
        """At this service tier."""
        return self._other(f"at {tier}", partial(_at_tier, self.peeked, tier))

    def by(self, entry: Entry) -> Translation:
        """As `entry` of its `fallbacks` has it."""
        return self._other(f"by {entry.model}", partial(self.peeked.by, entry))

    def _other(self, how: str, put: Callable[[], Peek]) -> Translation:
        if self._others is None:
            self._others = {}
        other = self._others.get(how)
        if other is None:
            peeked = put()
            if peeked is self.peeked:
                return self
            other = self._others[how] = self._of(peeked)
        return other

    def _of(self, peeked: Peek) -> Translation:
        other = Translation(
            peeked,
            self.reply,
            on_loss=self.on_loss,
            betas=self.betas,
            telling=self.telling,
            thoughts=self.thoughts,
            whose=self.whose,
        )
        other.client, other.results, other.texts = self.client, self.results, self.texts
        return other

    def _without_hosted(self) -> Translation:
        """Without the tools that only OpenRouter runs."""
        if self._unhosted is None and HOSTED in self.peeked.body:
            peeked, lost = without_hosted(self.peeked)
            if lost:
                self._unhosted = self._of(peeked)
                self._unhosted.lost += lost
        return self._unhosted or self

    # its lanes

    def open(
        self,
        target: Target,
        quirks: Quirks,
        *,
        keep: frozenset[str] = frozenset(),
        provider: str = "",
        facts: Model | None = None,
        searching: bool = False,
    ) -> Lane:
        """The lane to `target`.  `keep` names keys of OURS that this upstream understands itself; `provider` is what
        people call it, `facts` what is known of its model; `searching`: it was asked for as `:online`.

        Raises ProtocolError or ClientError for a request that cannot be carried there.
        """
        fields, same = self.peeked.fields, target.origin.protocol == self.peeked.protocol
        to = Towards(target, quirks, keep, provider, facts)
        if "thread" in fields:
            check_thread(self.peeked, target)
        if "tools" in fields and same and keep.isdisjoint(PLUGINS):
            return self._without_hosted()._open(to, searching)
        return self._open(to, searching)

    def _open(self, to: Towards, searching: bool) -> Lane:
        peeked, target = self.peeked, to.target
        plugins = self._searching() if searching else peeked.plugins
        if plugins is not None and (target.origin.protocol != peeked.protocol or to.keep.isdisjoint(PLUGINS)):
            lane = open_plugged(self, to, plugins)
            if lane is not None:
                return lane
        if self.telling is not None and resumable(self.request()):
            return open_resumable(self, to, self.telling)
        name = choose_lane(peeked, target.origin.protocol, to.quirks, target)
        if name == "hub":
            return open_hub(self, to, self.request(target), Hub)
        if not (self._checked or peeked.only_texts):
            check(peeked)
            self._checked = True
        if "tools" in peeked.fields and minds_thought(peeked, target):
            return open_mindful(self, to, name)
        return open_verbatim(self, to, name)

    def _searching(self) -> Plugins:
        """What is asked beside the answer where the model's name asks for a search."""
        asked = self.peeked.plugins or Plugins()
        if asked.search is not None and asked.search.must:
            return asked
        return replace(asked, search=online(self.peeked.fields))


def _at_tier(peeked: Peek, tier: str) -> Peek:
    fields = peeked.fields | {TIER.get(peeked.protocol, "service_tier"): dump(tier)}
    return replace(peeked, fields=fields, body=join(fields))
