"""OpenRouter's own SDK takes every answer of ours: by every upstream dialect, whole and as a stream, and every list."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.doors import PROVIDERS, configuration, gateway, provider
from e2e.programs import programs
from fakes.running import Fake

pytestmark = [pytest.mark.e2e, pytest.mark.network]

CLIENT = Path(__file__).with_name("openrouter_sdk.py")
PRESET = '[presets.editor]\nmodel = "demo/echo"\nsystem = "Be careful."\n'


@pytest.fixture(scope="module")
def url(_fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    providers = "".join(provider(name, protocol, _fake.url) for name, protocol in PROVIDERS.items())
    with gateway(configuration(PRESET + providers, tmp_path_factory.mktemp("openrouter"))) as url:
        yield url


def test_openrouters_own_sdk(url: str) -> None:
    """Nothing is refused, and no event is an unknown one."""
    python = programs("openrouter") / "python"
    models = ["demo/echo", *(f"{name}/plain" for name in PROVIDERS)]
    done = subprocess.run([python, CLIENT, url, *models], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told) > 20 and {name: said for name, said in told.items() if said != "ok"} == {}
