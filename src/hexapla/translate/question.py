"""A client's request, as every lane that is opened for it knows it: read once, whoever is asked.

Rules of this file: pure; the client's body is never changed, each lane has its own.
"""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.catalog.schema import Model, Quirks
from hexapla.errors import ClientError, GatewayError, Kind
from hexapla.ir.fold import event_of
from hexapla.ir.loss import Loss
from hexapla.ir.request import GenerateRequest
from hexapla.ir.target import Target
from hexapla.plugins.documents import Texts
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.hearing import Hearing
from hexapla.translate.lane import Begun
from hexapla.translate.ours import unaddressed
from hexapla.translate.peek import Peek
from hexapla.translate.plugged import Results
from hexapla.translate.recalled import recalled, remember
from hexapla.translate.resume import Telling
from hexapla.translate.thoughts import Thoughts
from hexapla.translate.tongue import chinese

_DEFAULT = Raw(b'"default"')
_UNASKED = (Loss("fallbacks", "the choice of fallback models is not left to the vendor", "cosmetic"),)


class Towards(msgspec.Struct, frozen=True):
    """An endpoint that is to be asked.

    keep      keys of OURS that it understands itself
    provider  what people call it
    facts     what is known of its model
    """

    target: Target
    quirks: Quirks
    keep: frozenset[str] = frozenset()
    provider: str = ""
    facts: Model | None = None


class Question:
    """One client request.

    on_loss  allow | warn | strict: strict refuses before anything is sent
    telling  where an answer that breaks off may be continued elsewhere: what the client was told of it
    thoughts  for clients that do not bring them back, of whom this one is `whose`; None: nobody keeps any
    in_chinese  an error inside of a stream is said in Chinese
    results  what the gateway found on the web for this request, set before anything is opened; None: it did not look
    texts    what this request's PDFs say, likewise; None: nobody read them
    lost     what was taken out of it
    begun    by target, whether that goes on in the turn that the client began
    """

    results: Results | None = None
    texts: Texts | None = None
    lost: tuple[Loss, ...] = ()

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
        self.client: Protocol = chinese(peeked.protocol) if in_chinese else PROTOCOLS[peeked.protocol]
        self.reply = reply
        self.on_loss = on_loss
        self.betas = betas
        self.telling = telling if peeked.stream else None
        self.thoughts = thoughts
        self.whose = whose
        self.begun: dict[Target, Begun] = {}
        self._request: GenerateRequest | None = None
        if "fallbacks" in peeked.fields and peeked.fields["fallbacks"] == _DEFAULT:
            self.lost = _UNASKED

    def request(self, target: Target | None = None) -> GenerateRequest:
        """The parsed request; for `target`, with the thought of its own that the client lost.  Raises ProtocolError."""
        if self._request is None:
            request = self.client.parse_request(unaddressed(self.peeked))
            if self.betas or request.stream != self.peeked.stream:  # Gemini says it in the path
                request = replace(request, betas=self.betas, stream=self.peeked.stream)
            self._request = request
        thoughts = self.thoughts
        if target is None or thoughts is None or not thoughts.held:
            return self._request
        return recalled(thoughts, self.whose, self._request, target)

    def hearing(self, target: Target) -> Hearing | None:
        """Who hears what has to come back with the calls of an answer."""
        if self.thoughts is None:
            return None
        keep = partial(remember, self.thoughts, self.whose, self.request, target)
        return Hearing(keep, self.thoughts.limit)

    def judge(self, losses: tuple[Loss, ...]) -> None:
        """Under `strict`, refuse what would not be carried."""
        lost = [loss for loss in losses if loss.severity != "cosmetic"] if self.on_loss == "strict" else []
        if lost:
            said = "; ".join(f"{loss.field}: {loss.why}" for loss in lost)
            raise ClientError(
                Kind.UNSUPPORTED,
                f"The target cannot carry the whole request ({said}). Drop these fields, choose another model, or "
                "allow losses (x-hexapla-on-loss: allow).",
                param=lost[0].field,
            )

    def tell(self, error: GatewayError) -> bytes:
        """`error` as the terminal event of the client's stream."""
        return self.client.encoder(self.reply).encode(event_of(error))
