"""The table of what follows on which failure, and that people are shown the same one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playbook import Play

from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.protocols.failures import classify
from hexapla.routing.commands import Chunk, Drop, End, Head, Send
from hexapla.routing.health import COUNTS
from hexapla.routing.retry import RESUMES, VERDICTS

DOCS = Path(__file__).parents[2] / "docs"
OURS = {Kind.CLIENT_AUTH, Kind.CANCELLED, Kind.INTERNAL, Kind.NO_ROUTE}
"""Failures of the gateway, or of the client before it: no provider is the reason for them."""

ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ([–\d]) \| ([–✓]) \| ([–✓]) \| ([–✓]) \| ([–✓]) \|$", re.MULTILINE)


@pytest.mark.parametrize("page", ["routing.md", "zh/routing.md"])
def test_the_published_table_is_the_one_in_force(page: str) -> None:
    """Every kind of failure that a provider can cause, once."""
    rows = ROW.findall((DOCS / page).read_text(encoding="utf-8"))
    shown = {Kind(name): cells for kinds, *cells in rows for name in re.findall(r"`(\w+)`", kinds)}
    assert shown.keys() == set(Kind) - OURS
    for kind, cells in shown.items():
        verdict = VERDICTS[kind]
        true = (verdict.fall_back, True, kind in COUNTS, kind in RESUMES)
        assert cells == [str(verdict.retries or "–"), *("✓" if each else "–" for each in true)], kind


def refusal(status: int, **error: str) -> bytes:
    return json.dumps({"error": {"message": "no", **error}}).encode()


REFUSED = [
    (400, refusal(400, code="invalid_value", param="temperature"), Kind.INVALID_REQUEST, ["a", "other"]),
    (422, b'{"detail":[{"type":"missing","msg":"Field required"}]}', Kind.INVALID_REQUEST, ["a", "other"]),
    (400, refusal(400, code="unknown_parameter"), Kind.UNSUPPORTED, ["a", "b"]),
    (400, refusal(400, message="Unsupported parameter: 'verbosity'"), Kind.UNSUPPORTED, ["a", "b"]),
    (400, refusal(400, message="foo: Extra inputs are not permitted"), Kind.UNSUPPORTED, ["a", "b"]),
    (
        422,
        b'{"detail":[{"type":"extra_forbidden","msg":"Extra inputs are not permitted"}]}',
        Kind.UNSUPPORTED,
        ["a", "b"],
    ),
    (400, refusal(400, message="property 'seed' is unsupported"), Kind.UNSUPPORTED, ["a", "b"]),
    (400, b'{"error":{"message":"Unknown name \\"seed\\": Cannot find field."}}', Kind.UNSUPPORTED, ["a", "b"]),
    (413, b"", Kind.TOO_LARGE, ["a", "b"]),
    (400, refusal(400, code="context_length_exceeded"), Kind.CONTEXT_LENGTH, ["a", "b"]),
    (404, refusal(404, code="model_not_found"), Kind.NOT_FOUND, ["a", "b"]),
]


@pytest.mark.parametrize(("status", "body", "kind", "asked"), REFUSED)
def test_who_is_asked_after_a_refusal(status: int, body: bytes, kind: Kind, asked: list[str]) -> None:
    """`a` and `b` offer the model that was named first, `other` the next one."""
    assert classify(status, {}, body).kind is kind
    play = Play("a", "b", "other", stream=False, asked={"a": "m", "b": "m", "other": "n"})
    assert isinstance(play.say(), Send)
    play.say(Head(status, {}))
    if body:
        play.say(Chunk(body))
    assert play.say(End()) == Drop()
    assert isinstance(play.say(), Send)
    assert play.opened == asked


def test_with_one_model_a_wrong_request_is_the_end() -> None:
    """Two providers offer it; the client hears what the first one said, and nobody is asked twice."""
    play = Play("a", "b", stream=False)
    play.say()
    play.say(Head(400, {}))
    play.say(Chunk(refusal(400, code="invalid_value")))
    assert play.say(End()) == Drop()
    assert play.say() is None
    assert play.opened == ["a"] and play.outcome is not None
    assert play.outcome.error is not None and play.outcome.error.kind is Kind.INVALID_REQUEST


def closed(seconds: float) -> GatewayError:
    return UpstreamError(Kind.UPSTREAM_ERROR, "bad", status=500, retry_after=seconds, retryable=False)


def test_when_everybody_is_left_alone_one_is_asked_all_the_same() -> None:
    """The first one: a gateway's caution is no outage."""
    play = Play("a", "b", alone={"a": closed(3.0), "b": closed(1.0)})
    command = play.say()
    assert isinstance(command, Send) and command.request == "a"


def test_or_nobody_is_and_the_client_hears_when() -> None:
    """The latest failure of the one that may be asked soonest; nothing is sent."""
    play = Play("a", "b", alone={"a": closed(3.0), "b": closed(1.0)}, insists=False)
    assert play.say() is None
    assert play.outcome is not None and play.outcome.tried == 0 and not play.notes
    assert play.outcome.error is not None
    assert (play.outcome.error.status, play.outcome.error.retry_after) == (500, 1.0)
