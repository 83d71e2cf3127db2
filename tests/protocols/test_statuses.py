"""A vendor's own status for overload is told as the client's dialect has it."""

from __future__ import annotations

import json

import pytest

from hexapla.errors import Kind, UpstreamError
from hexapla.protocols import PROTOCOLS
from server.wire import CHAT, GEMINI, MESSAGES, RESPONSES


@pytest.mark.parametrize("sent", [498, 503, 529])
@pytest.mark.parametrize(("protocol", "told"), [(CHAT, 503), (RESPONSES, 503), (GEMINI, 503), (MESSAGES, 529)])
def test_overload_has_the_dialects_own_status(protocol: str, told: int, sent: int) -> None:
    """529 is Anthropic's and 498 is Groq's: other dialects' clients know neither."""
    error = UpstreamError(Kind.OVERLOADED, "busy", upstream_status=sent, status=sent)
    status, body = PROTOCOLS[protocol].render_error(error)
    assert status == told
    if protocol == GEMINI:
        assert json.loads(body)["error"]["code"] == told


@pytest.mark.parametrize("protocol", [CHAT, RESPONSES, GEMINI, MESSAGES])
@pytest.mark.parametrize("sent", [402, 418, 500, 502, 504])
def test_any_other_status_is_the_providers_own(protocol: str, sent: int) -> None:
    """Which its words explain best."""
    error = UpstreamError(Kind.UPSTREAM_ERROR, "bad", upstream_status=sent, status=sent)
    assert PROTOCOLS[protocol].render_error(error)[0] == sent
