"""What of a client's request speaks to the gateway, and to no vendor.

Rules of this file: pure; nothing of what a field says is decided here.
"""

from __future__ import annotations

from hexapla.ir.loss import Loss
from hexapla.plugins.asked import Plugins
from hexapla.plugins.native import OPTIONS
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import join

OURS = frozenset(
    {"models", "route", "fallbacks", "plugins", "provider", "debug", "session_id", "trace", "transforms", "usage"}
)
"""Top-level keys that speak to the gateway; the upstream gets them only where it is a gateway of the same kind."""

PLUGINS = ("plugins", "transforms")
"""Keys of OURS that ask for more than an answer; OpenRouter, as a provider, does it itself."""


def unaddressed(peeked: Peek) -> bytes:
    """The client's body without what speaks to us; Chat's options for a search do so in every other dialect."""
    ours = OURS if peeked.plugins is None or peeked.protocol == "openai_chat" else OURS | {OPTIONS}
    if ours.isdisjoint(peeked.fields):
        return peeked.body
    return join({name: raw for name, raw in peeked.fields.items() if name not in ours})


def unknown(plugins: Plugins) -> tuple[Loss, ...]:
    """Plugins that are asked for and not known here."""
    return tuple(Loss("plugins", f"there is no plugin {name[:60]!r} here", "parameter") for name in plugins.unknown)
