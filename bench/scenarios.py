"""What is asked of every server, and what it must not cost."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from bench.upstream import EVENTS

Dialect = Literal["chat", "messages"]

PATHS: dict[Dialect, str] = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}
ENDS: dict[Dialect, str] = {"chat": "[DONE]", "messages": "message_stop"}


class Scenario(NamedTuple):
    """One kind of request.

    dialect  what the client speaks; the upstream speaks Chat Completions, so "messages" is the Hub lane
    kind     what the upstream does: plain, burst, paced (see upstream.py)
    size     bytes of the request, about
    """

    name: str
    title: str
    dialect: Dialect = "chat"
    kind: Literal["plain", "burst", "paced"] = "plain"
    connections: int = 32
    size: int = 500

    @property
    def stream(self) -> bool:
        """Whether an event stream is asked for."""
        return self.kind != "plain"

    @property
    def units(self) -> int:
        """What one answer's CPU is divided by: 1, or the upstream's events for a paced stream."""
        return EVENTS if self.kind == "paced" else 1

    @property
    def end(self) -> str:
        """What a complete answer ends with."""
        return ENDS[self.dialect] if self.stream else ""

    def body(self, model: str) -> dict[str, Any]:
        """The request."""
        turns = max(1, self.size // 2000)
        text = "word " * (min(self.size, 2000) // 5 - 40)
        roles = ("user", "assistant")
        messages = [{"role": roles[turn % 2], "content": f"{turn} {text}"} for turn in range(turns | 1)]
        limit = {"max_tokens": 1000, "temperature": 0.5}
        return {"model": model, "messages": messages, "stream": self.stream} | limit


SCENARIOS = (
    Scenario("plain-1", "verbatim, 500 B, 1 connection", connections=1),
    Scenario("plain-32", "verbatim, 500 B, 32 connections"),
    Scenario("plain-256", "verbatim, 500 B, 256 connections", connections=256),
    Scenario("large", "verbatim, 100 KB, 32 connections", size=100_000),
    Scenario("hub", "Messages → Chat, 500 B, 32 connections", dialect="messages"),
    Scenario("burst", f"verbatim stream, {EVENTS} events at once", kind="burst"),
    Scenario("hub-burst", f"Messages → Chat stream, {EVENTS} events at once", dialect="messages", kind="burst"),
    Scenario("paced", "verbatim stream, per event each 5 ms", kind="paced"),
    Scenario("hub-paced", "Messages → Chat stream, per event each 5 ms", dialect="messages", kind="paced"),
)


class Target(NamedTuple):
    """A figure that the gateway promises.  `times_nginx`: the limit is a multiple of nginx's figure."""

    figure: str
    limit: float
    unit: str
    times_nginx: bool = False


TARGETS = (
    Target("plain-32", 4, "µs", times_nginx=True),
    Target("large", 4, "µs", times_nginx=True),
    Target("hub", 120, "µs"),
    Target("paced", 2.3, "µs", times_nginx=True),
    Target("hub-paced", 36, "µs"),
    Target("hub-burst", 900, "µs"),
    Target("added-p50-1", 0.25, "ms"),
    Target("ready", 0.7, "s"),
    Target("idle", 60, "MB"),
    Target("stream", 20, "KB"),
)
