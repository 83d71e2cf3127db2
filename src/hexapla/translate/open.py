"""Opening a lane: the client's request in the form that one endpoint takes.

`Translation` belongs to one client request.  It parses the body at most once, however many attempts go through the Hub.

Rules of this file: pure; the client's body is never changed, each lane has its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

from msgspec import Raw
from msgspec.structs import replace

from hexapla.catalog.quirks import edit, edit_losses, strip_losses
from hexapla.catalog.schema import Model, Quirks
from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError
from hexapla.ir.fold import event_of
from hexapla.ir.loss import Loss, LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.target import Target
from hexapla.plugins.asked import Plugins, online
from hexapla.plugins.documents import Texts
from hexapla.plugins.native import OPTIONS
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.adapt.adapt import adapt
from hexapla.translate.checks import check, check_thread
from hexapla.translate.choose import choose_lane, edits
from hexapla.translate.continuation import begins, continued, resumable, way_on
from hexapla.translate.demanded import asked_for, brings_thought, lacks_thought, minds_thought
from hexapla.translate.fallbacks import Entry
from hexapla.translate.hearing import Hearing
from hexapla.translate.hosted import HOSTED, without_hosted
from hexapla.translate.hub import Hub
from hexapla.translate.lane import Begun, Lane
from hexapla.translate.overheard import Overheard
from hexapla.translate.peek import Peek
from hexapla.translate.plugged import Plugged, Results, Step, Work, worked
from hexapla.translate.prefill import beginning
from hexapla.translate.recalled import conversation, recalled, remember
from hexapla.translate.resume import Resumable, Telling
from hexapla.translate.thinking import thinking
from hexapla.translate.thoughts import Thoughts
from hexapla.translate.tongue import chinese
from hexapla.translate.verbatim import Verbatim
from hexapla.wire.rawjson import NULL, dump, join, split

OURS = frozenset(
    {"models", "route", "fallbacks", "plugins", "provider", "debug", "session_id", "trace", "transforms", "usage"}
)
"""Top-level keys that speak to the gateway; the upstream gets them only where it is a gateway of the same kind."""

PLUGINS = ("plugins", "transforms")
"""Keys of OURS that ask for more than an answer; OpenRouter, as a provider, does it itself."""

_named = lru_cache(maxsize=1024)(dump)
TIER = {"gemini_generate": "serviceTier"}
"""Where a dialect names the service tier, if not in `service_tier`."""

_DEFAULT = Raw(b'"default"')
_UNASKED = (Loss("fallbacks", "the choice of fallback models is not left to the vendor", "cosmetic"),)
NOTHING: Mapping[str, Raw] = {}
_USAGE_ON = Raw(b'{"include_usage":true}')


class Translation:
    """One client request, ready to be opened towards any endpoint.

    on_loss  allow | warn | strict: strict refuses before anything is sent
    telling  where an answer that breaks off may be continued elsewhere: what the client was told of it
    thoughts  for clients that do not bring them back, of whom this one is `whose`; None: nobody keeps any
    in_chinese  an error inside of a stream is said in Chinese
    results  what the gateway found on the web for this request, set before anything is opened; None: it did not look
    texts    what this request's PDFs say, likewise; None: nobody read them
    """

    results: Results | None = None
    texts: Texts | None = None
    _lost: tuple[Loss, ...] = ()  # with what was taken out of the request
    _unhosted: Translation | None = None

    def __init__(
        self,
        peeked: Peek,
        reply: Reply,
        *,
        on_loss: str = "allow",
        betas: tuple[str, ...] = (),
        telling: Telling | None = None,
        thoughts: Thoughts | None = None,
        whose: str = "",
        in_chinese: bool = False,
    ) -> None:
        self.peeked = peeked
        self._client: Protocol = chinese(peeked.protocol) if in_chinese else PROTOCOLS[peeked.protocol]
        self._reply = reply
        self._on_loss = on_loss
        self._betas = betas
        self._request: GenerateRequest | None = None
        self._checked = False
        self._thinking: Translation | None = None
        self._tiers: dict[str, Translation] = {}
        self._entries: dict[str, Translation] = {}
        self._begun: dict[Target, Begun] = {}  # whether a target goes on in the turn that the client began
        self._telling = telling if peeked.stream else None
        self._thoughts = thoughts
        self._whose = whose
        if "fallbacks" in peeked.fields and peeked.fields["fallbacks"] == _DEFAULT:
            self._lost = _UNASKED

    def thinking(self) -> Translation:
        """The same request with reasoning on, where it says nothing of it.  Raises ClientError."""
        if self._thinking is None:
            peeked = thinking(self.peeked)
            self._thinking = self if peeked is self.peeked else self._of(peeked)
        return self._thinking

    def at(self, tier: str) -> Translation:
        """The same request at this service tier."""
        if tier not in self._tiers:
            fields = self.peeked.fields | {TIER.get(self.peeked.protocol, "service_tier"): dump(tier)}
            self._tiers[tier] = self._of(replace(self.peeked, fields=fields, body=join(fields)))
        return self._tiers[tier]

    def by(self, entry: Entry) -> Translation:
        """The same request as `entry` of its `fallbacks` has it."""
        if entry.model not in self._entries:
            self._entries[entry.model] = self._of(self.peeked.by(entry))
        return self._entries[entry.model]

    def _of(self, peeked: Peek) -> Translation:
        other = Translation(
            peeked,
            self._reply,
            on_loss=self._on_loss,
            betas=self._betas,
            telling=self._telling,
            thoughts=self._thoughts,
            whose=self._whose,
        )
        other.results, other.texts = self.results, self.texts
        other._client = self._client
        return other

    def _without_hosted(self) -> Translation:
        """The same request without the tools that only OpenRouter runs."""
        if self._unhosted is None and HOSTED in self.peeked.body:
            peeked, lost = without_hosted(self.peeked)
            if lost:
                self._unhosted = self._of(peeked)
                self._unhosted._lost += lost
        return self._unhosted or self

    def request(self, target: Target | None = None) -> GenerateRequest:
        """The parsed request; for `target`, with the thought of its own that the client lost.  Raises ProtocolError."""
        if self._request is None:
            request = self._client.parse_request(_unaddressed(self.peeked))
            if self._betas or request.stream != self.peeked.stream:  # Gemini says it in the path
                request = replace(request, betas=self._betas, stream=self.peeked.stream)
            self._request = request
        thoughts = self._thoughts
        if target is None or thoughts is None or not thoughts.held:
            return self._request
        return recalled(thoughts, self._whose, self._request, target)

    def tell(self, error: GatewayError) -> bytes:
        """`error` as the terminal event of the client's stream."""
        return self._client.encoder(self._reply).encode(event_of(error))

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
        fields = self.peeked.fields
        if "thread" in fields:
            check_thread(self.peeked, target)
        if "tools" in fields and target.origin.protocol == self.peeked.protocol and keep.isdisjoint(PLUGINS):
            same = self._without_hosted()
            if same is not self:
                return same.open(target, quirks, keep=keep, provider=provider, facts=facts, searching=searching)
        plugins = self._searching() if searching else self.peeked.plugins
        if plugins is not None and (target.origin.protocol != self.peeked.protocol or keep.isdisjoint(PLUGINS)):
            lane = self._open_plugged(target, quirks, keep, provider, plugins, facts)
            if lane is not None:
                return lane
        if self._telling is not None and resumable(self.request()):
            return self._open_resumable(target, quirks, provider, self._telling)
        name = choose_lane(self.peeked, target.origin.protocol, quirks, target)
        if name == "hub":
            return self._open_hub(target, quirks, provider, self.request(target))
        if not (self._checked or self.peeked.only_texts):
            check(self.peeked)
            self._checked = True
        if "tools" in fields and minds_thought(self.peeked, target):
            return self._open_mindful(name, target, quirks, keep, provider)
        return self._open_verbatim(name, target, quirks, keep, provider)

    def _open_verbatim(
        self,
        name: str,
        target: Target,
        quirks: Quirks,
        keep: frozenset[str],
        provider: str,
        said: Mapping[str, Raw] = NOTHING,
        kind: type[Verbatim] = Verbatim,
    ) -> Verbatim:
        """The client's own bytes; `said`: fields that say something else."""
        peeked = self.peeked
        changes = dict(said)
        if peeked.protocol != "gemini_generate" and target.model != peeked.model:
            changes["model"] = _named(target.model)
        asks = peeked.stream and target.origin.protocol == "openai_chat" and target.stream_usage
        hide = asks and not (peeked.include_usage or self._reply.openrouter)
        if asks and not peeked.include_usage:
            changes["stream_options"] = _with_usage(peeked.fields.get("stream_options"))
        losses = self._lost
        if name == "patch":
            losses += edit_losses(peeked.fields, quirks, target.origin.provider)
        if peeked.plugins is not None and keep.isdisjoint(PLUGINS):
            losses += _unknown(peeked.plugins)
        if losses and self._on_loss == "strict":
            self._judge(losses)
        body = self._edited(changes, quirks if name == "patch" else None, keep)
        reply = replace(self._reply, model=target.model, provider=provider)
        return kind(self._client, reply, peeked, body, name=name, hide_usage=hide, losses=losses)

    def _open_mindful(self, name: str, target: Target, quirks: Quirks, keep: frozenset[str], provider: str) -> Lane:
        """The same where calls should come back with their thought: what the client lost of it is put back, and what it
        may lose is heard."""
        said: Mapping[str, Raw] = NOTHING
        kind: type[Verbatim] = Verbatim
        if self._thoughts is not None and self._thoughts.limit:
            said = asked_for(self.peeked) | self._put_back(target)
            kind = Verbatim if brings_thought(self.peeked) else Overheard
        lane = self._open_verbatim("patch" if said else name, target, quirks, keep, provider, said, kind)
        if isinstance(lane, Overheard):
            lane.hearing = self._hearing(target)
        return lane

    def _put_back(self, target: Target) -> dict[str, Raw]:
        """The conversation with the thought that the client lost; nothing where it lost none, or nobody has it."""
        if self._thoughts is None or not self._thoughts.held or not lacks_thought(self.peeked):
            return {}
        try:
            request = self.request(target)
            return {} if request is self._request else conversation(self._client, request, target)
        except (ClientError, ProtocolError):
            return {}  # the vendor may know better

    def _edited(self, changes: dict[str, Raw], quirks: Quirks | None, keep: frozenset[str]) -> bytes:
        """The client's body with other values of some top-level fields, and without what speaks to us."""
        peeked = self.peeked
        ours = OURS.intersection(peeked.fields) - keep
        if peeked.protocol == "gemini_generate" and "model" in peeked.fields:
            ours |= {"model"}  # it stands in the URL
        fields = peeked.fields | changes
        for name in ours:
            del fields[name]
        edited = fields if quirks is None else edit(fields, quirks)
        untouched = edited is fields and not ours and not changes
        return peeked.body if untouched else join(edited)

    def _open_resumable(self, target: Target, quirks: Quirks, provider: str, telling: Telling) -> Lane:
        """The Hub, with the answer so far told to the target, and what it says told after that."""
        said, request = telling.said, self.request(target)
        way = None if telling.begun.refused else way_on(request, target, quirks)
        asked = request if said is None else continued(request, said.text, target, way)
        lane = self._open_hub(target, quirks, provider, asked, Resumable)
        assert isinstance(lane, Resumable)
        lane.join(telling, target, way, begins(request))
        return lane

    def _searching(self) -> Plugins:
        """What is asked beside the answer where the model's name asks for a search."""
        asked = self.peeked.plugins or Plugins()
        if asked.search is not None and asked.search.must:
            return asked
        return replace(asked, search=online(self.peeked.fields))

    def _open_plugged(
        self,
        target: Target,
        quirks: Quirks,
        keep: frozenset[str],
        provider: str,
        plugins: Plugins,
        facts: Model | None,
    ) -> Lane | None:
        """The Hub with what the plugins do; None where they have nothing to do at this target."""
        losses, said = LossLog(), {}
        if not keep.isdisjoint(PLUGINS):  # a gateway that runs them is told of them, and of tools in its own words
            said = {name: self.peeked.fields[name] for name in PLUGINS if name in self.peeked.fields}
            plugins = Plugins(search=plugins.search if plugins.search is not None and plugins.search.tool else None)
        request = self.request(target)
        work = worked(request, plugins, target.origin.protocol, quirks.search, facts, self.results, self.texts, losses)
        if work is None:
            if not said:
                return None
            work = Work(request=request, done=True)
        if work.fields or said:
            quirks = replace(quirks, set={**quirks.set, **work.fields, **said})
        lane = self._open_hub(target, quirks, provider, work.request, losses=losses, steps=work.steps)
        lane.summary.stages = work.stages
        return lane

    def _open_hub(
        self,
        target: Target,
        quirks: Quirks,
        provider: str,
        request: GenerateRequest,
        kind: type[Hub] = Hub,
        *,
        losses: LossLog | None = None,
        steps: Sequence[Step] = (),
    ) -> Lane:
        losses = LossLog() if losses is None else losses
        upstream = PROTOCOLS[target.origin.protocol]
        told = beginning(request, target, quirks)
        begun = None if told is None else self._begun.setdefault(target, Begun())
        if begun is not None and begun.refused:
            told = begun = None
        asked = request if told is None else told.request
        if told is not None:
            steps = (*steps, *told.steps)
        if target.stream != request.stream:
            target = replace(target, stream=request.stream)
        bent, restore = adapt(replace(asked, model=target.model), target, losses, think_tags=quirks.think_tags)
        body = upstream.render_request(bent, target, losses)
        if edits(quirks):
            fields = split(body)
            losses.extend(strip_losses(fields, quirks, provider) if quirks.strip else ())
            body = join(edit(fields, quirks))
        if self.peeked.plugins is not None and quirks.set.keys().isdisjoint(PLUGINS):
            losses.extend(_unknown(self.peeked.plugins))
        if self._lost:
            losses.extend(self._lost)
        if steps:
            restore = Plugged(restore.provider, tools=restore.tools, inner=restore, steps=steps)
        if self._on_loss == "strict":
            self._judge(losses.losses)
        reply = replace(self._reply, model=target.model, request=request, provider=provider)
        lane = kind(self._client, upstream, reply, body, losses, restore)
        lane.begun = begun
        if request.tools:
            lane.hearing = self._hearing(target)
        return lane

    def _hearing(self, target: Target) -> Hearing | None:
        """Who hears what has to come back with the calls of an answer."""
        if self._thoughts is None:
            return None
        keep = partial(remember, self._thoughts, self._whose, self.request, target)
        return Hearing(keep, self._thoughts.limit)

    def _judge(self, losses: tuple[Loss, ...]) -> None:
        """Under `strict`, refuse what would not be carried."""
        lost = [loss for loss in losses if loss.severity != "cosmetic"]
        if lost:
            said = "; ".join(f"{loss.field}: {loss.why}" for loss in lost)
            raise ClientError(
                Kind.UNSUPPORTED,
                f"The target cannot carry the whole request ({said}). Drop these fields, choose another model, or "
                "allow losses (x-hexapla-on-loss: allow).",
                param=lost[0].field,
            )


def _unaddressed(peeked: Peek) -> bytes:
    """The client's body without what speaks to us; Chat's options for a search do so in every other dialect."""
    ours = OURS if peeked.plugins is None or peeked.protocol == "openai_chat" else OURS | {OPTIONS}
    if ours.isdisjoint(peeked.fields):
        return peeked.body
    return join({name: raw for name, raw in peeked.fields.items() if name not in ours})


def _unknown(plugins: Plugins) -> tuple[Loss, ...]:
    """Plugins that are asked for and not known here."""
    return tuple(Loss("plugins", f"there is no plugin {name[:60]!r} here", "parameter") for name in plugins.unknown)


def _with_usage(options: Raw | None) -> Raw:
    """stream_options that ask for usage, whatever else the client put there."""
    if options is None or options == NULL:
        return _USAGE_ON
    fields: Mapping[str, Raw] = split(options) | {"include_usage": Raw(b"true")}
    return Raw(join(fields))
