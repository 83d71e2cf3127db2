"""`Idempotency-Key` on the wire: a repetition is answered without another upstream call."""

from __future__ import annotations

import pytest

from server.client import call
from server.running import SHORT, Gateway
from server.upstream import Upstream, Visit
from server.wire import DIALECTS, LAST, PATHS, STREAM, ask, chunk, ending, opening, piece, refusal, whole


async def answers(visit: Visit) -> None:
    if not visit.asked.get("stream"):
        await visit.write(whole(visit.protocol))
        return
    said = opening(visit.protocol) + piece(visit.protocol, "Hello.") + ending(visit.protocol, "Hello.")
    await visit.write(STREAM + chunk(said) + LAST)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize("protocol", DIALECTS)
def test_a_repetition_is_replayed(
    protocol: str, provider: str, stream: bool, upstream: Upstream, served: Gateway
) -> None:
    """The same bytes, the same id, one upstream call; another body under the key is a 422 in the dialect."""
    model = f"{SHORT[provider]}/{upstream.play(answers)}"
    body = ask(protocol, model, stream=stream)
    first, second = (call(served.url, PATHS[protocol], body, idempotency_key=model) for _ in range(2))
    assert first.status == second.status == 200
    assert first.body == second.body
    assert first.headers["x-request-id"] == second.headers["x-request-id"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(upstream.visits) == 1
    other = call(served.url, PATHS[protocol], ask(protocol, model, stream=stream, user="x"), idempotency_key=model)
    assert other.status == 422
    assert "Idempotency-Key" in other.error["message"]
    assert len(upstream.visits) == 1


def test_a_failure_is_tried_again(upstream: Upstream, served: Gateway) -> None:
    """Only what succeeded is kept."""

    async def refuses(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, 400))

    body = ask("openai_chat", f"u_chat/{upstream.play(refuses)}")
    heard = [call(served.url, PATHS["openai_chat"], body, idempotency_key="failing").status for _ in range(2)]
    assert heard == [400, 400]
    assert len(upstream.visits) == 2
