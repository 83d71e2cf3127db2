"""What passed through a lane: filled in while it works, read by the ledger and by whoever tells of the answer.

Rules of this file: what an answer says of itself, never its content, of which only the size is kept.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hexapla.ir.content import Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import AnyEvent, BlockDelta, MessageStart, MessageStop, StreamError, TextDelta, UsageReport
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.translate.calls import Calls

BYTES_PER_TOKEN = 4
"""The rule of thumb behind every estimate: English text has about four bytes a token."""


class Stage(msgspec.Struct, frozen=True):
    """Something that the gateway did for a request beside translating it.

    type, name  OpenRouter's words (https://openrouter.ai/docs/guides/features/router-metadata; openrouter-python 1.3.84)
    summary     for people
    """

    type: str
    name: str
    summary: str


class Summary(msgspec.Struct, kw_only=True, gc=False):
    """One attempt's.  Mutable on purpose: it is a lane's notebook."""

    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    stop: str | None = None
    native: str | None = None  # the upstream's own word for `stop`
    tier: str | None = None  # the service tier at which it was served, in the upstream's own word
    text_bytes: int = 0  # size of the content that went to the client, for an estimate when usage is missing
    error: StreamError | None = None
    calls: Calls | None = None  # of tools, where the request has any
    stages: tuple[Stage, ...] = ()

    def spent(self, asked: int) -> Usage:
        """What an attempt that was not heard to its end has used, by estimate where it did not say; `asked`: bytes of
        its request.  (An early report knows the input; its output is a placeholder.)"""
        known = self.usage or Usage()
        return replace(
            known,
            input=asked // BYTES_PER_TOKEN if known.input is None else known.input,
            output=max(known.output or 0, self.text_bytes // BYTES_PER_TOKEN),
        )

    def note(self, event: AnyEvent) -> None:
        """Take in what `event` says of the whole answer."""
        if self.calls is not None:
            self.calls.hear(event)
        if isinstance(event, BlockDelta):
            if type(event.delta) is TextDelta:
                self.text_bytes += len(event.delta.text)
        elif isinstance(event, MessageStart):
            self.id = event.id
            self.model = event.model
            self.tier = event.service_tier
            if event.usage is not None:
                self.usage = event.usage
        elif isinstance(event, UsageReport):
            self.usage = event.usage if self.usage is None else self.usage.merge(event.usage)
        elif isinstance(event, MessageStop):
            self.tier = event.service_tier or self.tier
            self._ended(event.stop)
        elif isinstance(event, StreamError):
            self.error = event

    def note_whole(self, response: GenerateResponse) -> None:
        """Take in what an answer says of itself, as `note` does for its events."""
        self.id, self.model, self.usage = response.id, response.model, response.usage
        self.tier = response.service_tier
        self._ended(response.stop)
        if self.calls is not None:
            self.calls.take(response.content)
        said = 0  # by its deltas, as text
        for part in response.content:
            if type(part) is Text or type(part) is Reasoning or type(part) is Refusal:
                said += len(part.text)
            elif type(part) is ToolCall:
                said += len(part.arguments)
        self.text_bytes = said

    def _ended(self, stop: Stop | None) -> None:
        """Take in why an answer ended."""
        if stop is None:
            self.stop = self.native = None
        else:
            self.stop, self.native = stop.reason, stop.native
        if self.calls is not None:
            self.calls.stop = self.stop
