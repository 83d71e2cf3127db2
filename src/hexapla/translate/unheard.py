"""What of an answer its client does not hear, beside what the encoder itself has no words for.

Parts carry what only their vendor understands in `extras`: a client of that dialect gets it, the others do not.  Thought
takes it along in its envelope, except to Chat, which has none; what hangs on a call stands beside it as thought.  Fields
that nobody here knows are told by the decoder (protocols/unread.py).

Rules of this file: nothing here refuses anything, since the answer is there; a loss names its field.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from hexapla.ir.content import HUNG, Extras, Media, Reasoning, Text, ToolCall
from hexapla.ir.loss import LossLog, Severity
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.protocols.extras import PLACE, names_in

BARE = (Text, ToolCall, Media)
BARE_TO_CHAT = (*BARE, Reasoning)
"""Parts that have no envelope."""

QUIET = PLACE | {"groundingMetadata", "citationMetadata", "avgLogprobs", "safetyRatings"}
"""What nobody misses: where an item stands, what became citations, verdicts that let the answer pass."""


class Unheard(Struct, eq=False):
    """One answer.  `client` and `upstream` are names of dialects."""

    _client: str
    _upstream: str
    _losses: LossLog
    _hung: bool = False  # what hangs on calls was told as thought

    def whole(self, response: GenerateResponse) -> None:
        """All of an answer."""
        for index, part in enumerate(response.content):
            if type(part) is not Text or part.extras:
                self.part(index, part)
        if response.unread or response.stop is None or response.stop.extras:
            self.end(response.stop, response.unread, {})

    def part(self, index: int, part: ResponsePart) -> None:
        """A part, or the beginning of one."""
        self._hung = self._hung or (type(part) is Reasoning and part.form == HUNG)
        bare = BARE_TO_CHAT if self._client == "openai_chat" else BARE
        if isinstance(part, bare) and part.extras and not (self._hung and type(part) is ToolCall):
            grave: Severity = "parameter" if type(part) is ToolCall else "cosmetic"
            self._lose(part.extras, f"content[{index}].", grave)

    def end(self, stop: Stop | None, unread: Iterable[str], extras: Extras) -> None:
        """How the answer ended, and what of it nobody knows; `extras`: what a stream says of the whole at its end."""
        self._lose(extras, "", "cosmetic")
        if stop is None:
            self._losses.add("stop", "the provider gave no reason for the end", "cosmetic")
        else:
            self._lose(stop.extras, "stop.", "cosmetic")
        for name in unread:
            self._losses.add(
                f"extras.{self._upstream}.{name}", "the field is unknown here and was not carried over", "cosmetic"
            )

    def _lose(self, extras: Extras, path: str, severity: Severity) -> None:
        for origin, fields in extras.items():
            for name in names_in(fields) if origin != self._client else ():
                if name not in QUIET:
                    self._losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only", severity)
