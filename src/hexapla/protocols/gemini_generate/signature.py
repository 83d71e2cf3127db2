"""thoughtSignature: state that Gemini wants back with the part that it signs.

The vendor's own stands on a thought, where it is its proof, or on a call, a text or a file.  From a call or a text it
becomes a Reasoning part beside it (`mark`), which any client dialect can carry.  Thought of other vendors reaches a Gemini
client as our envelopes in the same field: it is bytes, so SDKs want base64 there, and an envelope's own text is none.
"""

from __future__ import annotations

import base64
import binascii
import re

from hexapla.ir.content import Reasoning
from hexapla.ir.envelope import MARK
from hexapla.protocols.gemini_generate.words import ORIGIN

TEXT_KEY = "text"
"""The id of a Reasoning part that holds the signature of the text beside it."""

signs = re.compile(r"gemini-(?:[3-9]|[1-9]\d)").match
"""Models that sign their calls, and refuse a call of the current turn without a signature: Gemini 3 and later
(https://ai.google.dev/gemini-api/docs/thought-signatures, 2026-11)."""


def mark(signature: str, key: str = TEXT_KEY) -> Reasoning:
    """The vendor's state beside a part that is no thought itself: `key` is the call's id, or TEXT_KEY."""
    return Reasoning(encrypted=signature, id=key, form="signature", origin=ORIGIN)


def wrap(seals: list[str]) -> str:
    """Envelopes as one thoughtSignature."""
    return base64.b64encode("\n".join(seals).encode()).decode()


def unwrap(signature: str) -> list[str] | None:
    """The envelopes in a thoughtSignature; None where it is the vendor's own.  Either base64 alphabet is taken, since
    SDKs write the URL-safe one."""
    if not signature.startswith(_WRAPPED):
        return None
    padded = signature + "=" * (-len(signature) % 4)
    try:
        text = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text.split("\n") if text.startswith(MARK) else None


_WRAPPED = base64.b64encode(MARK.encode()).decode()[:6]
"""What base64 makes of the mark's first 36 bits, which is all that does not depend on what follows."""
