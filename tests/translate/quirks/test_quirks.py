"""Every client hears the same of an answer with a quirk, whole and streamed, however its bytes are cut."""

from __future__ import annotations

import pytest
from chat import QUIRKS as CHAT_QUIRKS
from gemini import QUIRKS as GEMINI_QUIRKS
from hearing import CLIENTS, Heard, gathered, simulated, streamed, whole
from messages import QUIRKS as MESSAGES_QUIRKS
from quirk import Quirk
from responses import QUIRKS as RESPONSES_QUIRKS

QUIRKS = [*CHAT_QUIRKS, *MESSAGES_QUIRKS, *RESPONSES_QUIRKS, *GEMINI_QUIRKS]
CUTS = (1, 7, 1 << 20)


def expected(quirk: Quirk, client: str) -> Heard:
    return quirk.own if quirk.own is not None and client == quirk.upstream else quirk.heard


def same(found: Heard, wanted: Heard) -> None:
    if wanted.usage is None:
        found = found._replace(usage=None)
    if wanted.error:
        assert wanted.error in found.error
        return
    assert found == wanted


def who(quirk: Quirk) -> list[str]:
    return [client for client in CLIENTS if not (quirk.apart and client == quirk.upstream)]


WHOLE = [(quirk, client) for quirk in QUIRKS if quirk.whole for client in who(quirk)]
STREAMS = [(quirk, client) for quirk in QUIRKS if quirk.stream for client in who(quirk)]


def named(value: object) -> str | None:
    return value.name.replace(" ", "-") if isinstance(value, Quirk) else None


@pytest.mark.parametrize(("quirk", "client"), WHOLE, ids=named)
def test_whole(quirk: Quirk, client: str) -> None:
    found, summary = whole(client, quirk.upstream, quirk.whole)
    same(found, expected(quirk, client))
    if quirk.heard.usage is not None:
        assert summary.usage is not None and (summary.usage.input, summary.usage.output) == quirk.heard.usage


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("quirk", "client"), STREAMS, ids=named)
def test_streams(quirk: Quirk, client: str, cut: int) -> None:
    if quirk.late and cut != CUTS[-1]:
        quirk = quirk._replace(heard=quirk.heard._replace(usage=None))
    found, summary = streamed(client, quirk.upstream, quirk.stream, cut)
    same(found, expected(quirk, client))
    if quirk.heard.usage is not None:
        assert summary.usage is not None and (summary.usage.input, summary.usage.output) == quirk.heard.usage


@pytest.mark.parametrize(("quirk", "client"), WHOLE, ids=named)
def test_whole_for_a_stream(quirk: Quirk, client: str) -> None:
    """Some servers ignore that a stream was asked for."""
    same(simulated(client, quirk.upstream, quirk.whole), quirk.heard)


@pytest.mark.parametrize(("quirk", "client"), STREAMS, ids=named)
def test_stream_for_a_whole(quirk: Quirk, client: str) -> None:
    """Some stream unasked."""
    same(gathered(client, quirk.upstream, quirk.stream), quirk.heard)
