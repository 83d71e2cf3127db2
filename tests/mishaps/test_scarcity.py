"""A gateway that runs out of file descriptors, and one that is given very large prompts: both go on."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.client import call, dial
from server.running import Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, PATHS, ask, whole

FEW = 48  # file descriptors
CROWD = 80  # connections that ask for nothing
LONG = 8_000_000  # bytes of a prompt


async def answers(visit: Visit) -> None:
    await visit.write(whole(visit.protocol))


def asked(running: Gateway, model: str, text: str = "Hello") -> int:
    body = ask(CHAT, f"u_chat/{model}", messages=[{"role": "user", "content": text}])
    return call(running.url, PATHS[CHAT], body).status


def test_f71_no_file_descriptors_are_left(tmp_path: Path) -> None:
    """Idle connections take all of them; as soon as they are gone requests are answered again."""
    hexapla = str(Path(sys.executable).with_name("hexapla"))
    few = ("sh", "-c", f'ulimit -n {FEW}; exec "$@"', "sh", hexapla)
    with Upstream().running() as upstream, gateway(tmp_path, providers(upstream.url), program=few) as running:
        model = upstream.play(answers)
        assert asked(running, model) == 200
        crowd = [dial(running.url) for _ in range(CROWD)]
        for one in crowd:
            one.close()
        end = time.monotonic() + 10
        while not _serves(running, model) and time.monotonic() < end:
            time.sleep(0.1)
        assert _serves(running, model)


def _serves(running: Gateway, model: str) -> bool:
    try:
        return asked(running, model) == 200
    except OSError:
        return False


def test_f73_very_large_prompts_do_not_stop_the_rest(tmp_path: Path) -> None:
    """While prompts of eight megabytes are on their way, readiness is answered, and no answer is late."""
    with Upstream().running() as upstream, gateway(tmp_path, providers(upstream.url)) as running:
        model = upstream.play(answers)
        text = "word " * (LONG // 5)
        with ThreadPoolExecutor(4) as threads:
            large = [threads.submit(asked, running, model, text) for _ in range(4)]
            waits = []
            while not all(one.done() for one in large):
                began = time.monotonic()
                assert call(running.url, "/readyz").status == 200
                waits.append(time.monotonic() - began)
            assert [one.result() for one in large] == [200] * 4
    assert max(waits) < 3.0  # 50 ms are aimed at; what holds on a busy machine is that nothing stands still
