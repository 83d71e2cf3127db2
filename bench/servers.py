"""What is measured: how each server is configured, started and asked.

Hexapla runs as one would run it: a client key, the journal and the ledger on disk, the request log, metrics and limits on.
"""

from __future__ import annotations

import compileall
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, NamedTuple

import msgspec
from tools.aside import ensure

from bench.process import cores
from bench.scenarios import PATHS, SCENARIOS, Scenario

KEY = "sk-bench-key"
KINDS = ("plain", "burst", "paced", "hold")
WITHIN = 90  # seconds to the first answer


LOADED = ("hexapla", "uvicorn", "httptools", "uvloop", "msgspec", "typing_extensions", "click", "watchfiles", "anyio")
"""What Hexapla's start loads."""


class Missing(Exception):  # noqa: N818 not a failure: the server is left out
    """This server cannot be had here."""


class Ask(NamedTuple):
    """How a scenario is asked for at one server."""

    path: str
    model: str
    headers: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {KEY}"),)


class Server:
    """One measured server; `upstream` is the URL of the provider."""

    name: ClassVar[str]

    def __init__(self, folder: Path, upstream: str, port: int) -> None:
        self.folder, self.upstream, self.port = folder, upstream, port

    def command(self) -> list[str]:
        """Write the configuration; return the command.  Raises Missing."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Environment variables of its own."""
        return {}

    def ask(self, scenario: Scenario, kind: str = "") -> Ask | None:
        """How to ask; None where the server cannot do it.  `kind` overrides the scenario's."""
        return Ask(PATHS[scenario.dialect], f"u_{kind or scenario.kind}/bench")


class Hexapla(Server):
    """The gateway."""

    name = "Hexapla"

    def command(self) -> list[str]:
        """One provider for each thing that the upstream does."""
        providers = "".join(
            f'[providers.u_{kind}]\nauth = {{ kind = "api_key", key = "sk-upstream" }}\n'
            f'[[providers.u_{kind}.endpoints]]\nprotocol = "openai_chat"\nbase_url = "{self.upstream}/{kind}/v1"\n'
            for kind in KINDS
        )
        config = self.folder / "hexapla.toml"
        state = self.folder / "state"  # apart from the configuration, whose folder is watched
        state.mkdir()
        config.write_text(
            f'keys = ["{KEY}"]\n[ledger]\npath = "{state}/ledger"\n[log]\npath = "{state}/log"\n{providers}'
        )
        for name in LOADED:
            _compile(name)
        program = Path(sys.executable).with_name("hexapla")
        return [str(program), "serve", "--config", str(config), "--port", str(self.port)]


def _compile(name: str) -> None:
    """Compile a package, as pip does when it installs; uv, and an installation in place, leave that to every start."""
    spec = find_spec(name)
    assert spec is not None
    for folder in spec.submodule_search_locations or ():
        compileall.compile_dir(folder, quiet=1)
    if not spec.submodule_search_locations:
        compileall.compile_file(str(spec.origin), quiet=1)


class Nginx(Server):
    """A bare reverse proxy: what no gateway on this machine can go below."""

    name = "nginx"

    def command(self) -> list[str]:
        """One worker, keep-alive upstream, no buffering of answers."""
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if program is None:
            raise Missing("nginx is not installed")
        config = self.folder / "nginx.conf"
        config.write_text(
            _NGINX.format(folder=self.folder, port=self.port, upstream=self.upstream.removeprefix("http://"))
        )
        return [program, "-p", str(self.folder), "-c", str(config), "-e", str(self.folder / "error.log")]

    def ask(self, scenario: Scenario, kind: str = "") -> Ask | None:
        """It translates nothing; the upstream's path is passed through."""
        if scenario.dialect != "chat":
            return None
        return Ask(f"/{kind or scenario.kind}{PATHS['chat']}", "bench")


_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid;
{{user}}
events {{ worker_connections 8192; }}
http {{
  access_log off; client_body_buffer_size 2m; client_max_body_size 0; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream provider {{ server {upstream}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
""".replace("{{user}}", "user root;" if os.getuid() == 0 else "")


class Relay(Nginx):
    """Bytes passed on by the same interpreter: what the gateway is held to where there is no nginx (relay.py)."""

    name = "relay"

    def command(self) -> list[str]:
        """Nothing to configure."""
        return [sys.executable, "-m", "bench.relay", str(self.port), self.upstream.rsplit(":", 1)[1]]


class LiteLLM(Server):
    """LiteLLM's proxy, as its documentation starts it, without a database."""

    name = "LiteLLM"

    def command(self) -> list[str]:
        """One model for each thing that the upstream does."""
        programs, why = ensure("litellm")
        if why:
            raise Missing(why)
        models = [
            {
                "model_name": f"u_{kind}/bench",
                "litellm_params": {
                    "model": "hosted_vllm/bench",
                    "api_base": f"{self.upstream}/{kind}/v1",
                    "api_key": "sk-upstream",
                },
            }
            for kind in KINDS
        ]
        config = self.folder / "config.yaml"  # JSON is YAML
        config.write_bytes(msgspec.json.encode({"model_list": models, "general_settings": {"master_key": KEY}}))
        return [str(programs / "litellm"), "--config", str(config), "--port", str(self.port), "--host", "127.0.0.1"]

    def environment(self) -> dict[str, str]:
        """No look at the network for prices."""
        return {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}


class Portkey(Server):
    """Portkey's gateway."""

    name = "Portkey"

    def command(self) -> list[str]:
        """It is told everything by headers."""
        programs, why = ensure("portkey")
        if why:
            raise Missing(why)
        return [str(programs / "gateway"), f"--port={self.port}", "--headless"]

    def ask(self, scenario: Scenario, kind: str = "") -> Ask | None:
        """Messages for an OpenAI upstream is refused by this version."""
        if scenario.dialect != "chat":
            return None
        base = f"{self.upstream}/{kind or scenario.kind}/v1"
        told = (("x-portkey-provider", "openai"), ("x-portkey-custom-host", base), ("authorization", f"Bearer {KEY}"))
        return Ask(PATHS["chat"], "bench", told)


class Running(NamedTuple):
    """A started server.  `pid` 0: the upstream itself, asked directly."""

    server: Server
    pid: int
    ready: float


class Direct(Nginx):
    """The upstream without anything between: the zero of latencies."""

    name = "direct"

    def command(self) -> list[str]:
        """Nothing to start."""
        raise NotImplementedError


@contextmanager
def started(server: Server) -> Iterator[Running]:
    """The server on its core, until the block ends.  Raises Missing."""
    command = server.command()
    log = (server.folder / "output").open("wb")
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=_environment() | {"PYTHONPATH": str(Path(__file__).parents[1])} | server.environment(),
        cwd=server.folder,
    )
    os.sched_setaffinity(process.pid, cores()[0])  # before it has threads, which inherit it
    try:
        _wait(server, process, began + WITHIN)
        yield Running(server, process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        log.close()


def _environment() -> dict[str, str]:
    """Ours, without anybody's keys."""
    return {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}


def _wait(server: Server, process: subprocess.Popen[bytes], until: float) -> None:
    """Ask until the first answer."""
    scenario = SCENARIOS[0]
    ask = server.ask(scenario)
    assert ask is not None
    body = msgspec.json.encode(scenario.body(ask.model))
    headers = {"content-type": "application/json", **dict(ask.headers)}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{ask.path}", body, headers)
    while process.poll() is None and time.perf_counter() < until:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(request, timeout=10) as answer:
            if answer.status == 200:
                return
        time.sleep(0.005)
    raise Missing(f"it does not answer: {(server.folder / 'output').read_text(errors='replace')[-1000:]}")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
