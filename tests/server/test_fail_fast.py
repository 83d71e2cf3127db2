"""When everybody is left alone: one endpoint is asked all the same, or nobody is, as the configuration wants it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.client import call
from server.running import gateway
from server.upstream import Upstream, Visit
from server.wire import CHAT, PATHS, ask, refusal

SETTINGS = """
[retry]
retries = 0
[routing.breaker]
row = 2
first = 60
most = 60
strict = {strict}
[providers.down]
auth = {{ kind = "none" }}
[[providers.down.endpoints]]
protocol = "openai_chat"
base_url = "{url}/v1"
"""


async def fails(visit: Visit) -> None:
    await visit.write(refusal(visit.protocol, 502))


@pytest.mark.parametrize("strict", [True, False])
def test_nobody_is_asked_where_that_is_wanted(strict: bool, upstream: Upstream, tmp_path: Path) -> None:
    """The provider's own failure comes at once, with the time until it may be asked again."""
    body = ask(CHAT, f"down/{upstream.play(fails)}", stream=True)
    with gateway(tmp_path, SETTINGS.format(strict=str(strict).lower(), url=upstream.url)) as running:
        heard = [call(running.url, PATHS[CHAT], body) for _ in range(4)]
    assert [each.status for each in heard] == [502] * 4
    assert len(upstream.visits) == (2 if strict else 4)
    last = heard[-1].headers
    assert ("retry-after" in last) is strict and last["x-should-retry"] == "false"
    if strict:
        assert 0 < int(last["retry-after"]) <= 60 and last["x-hexapla-attempts"] == "0"
        first, error = (json.loads(heard[place].body)["error"] for place in (1, -1))
        assert error.pop("availability")["retry_after"] > 0 and first.pop("availability")
        assert error == first and error["metadata"]["error_type"] == "provider_unavailable"
