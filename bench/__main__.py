"""`python -m bench`: start everything, measure in turns, print the tables."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from bench.load import Order, Result
from bench.process import cores, cpu_seconds, memory_bytes
from bench.report import Measured, Sample, machine, markdown, plain, rows, table, verdicts
from bench.scenarios import SCENARIOS, Scenario
from bench.servers import Ask, Direct, Hexapla, LiteLLM, Missing, Nginx, Portkey, Running, Server, free_port, started

OPEN = 300  # streams held open for the memory of one


class Bench:
    """One run: the upstream, the servers, what was measured."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self.others = cores()[1]
        self.measured: dict[str, Measured] = {}

    def load(self, running: Running, scenario: Scenario, ask: Ask) -> Sample:
        """One round of one scenario at one server."""
        watched = [running.pid] if running.pid else []
        cpu, helpers, wall = self._cpu(watched), cpu_seconds(self.upstream.pid), time.perf_counter()
        result = self._generate(self._order(running, scenario, ask))
        used = cpu_seconds(self.upstream.pid) - helpers + result.busy * result.seconds
        bound = used > 0.92 * len(self.others) * (time.perf_counter() - wall)
        return Sample(cpu=self._cpu(watched) - cpu, result=result, bound=bound)

    @staticmethod
    def _cpu(pids: list[int]) -> float:
        return sum(map(cpu_seconds, pids))

    def _order(
        self, running: Running, scenario: Scenario, ask: Ask, *, connections: int = 0, hold: bool = False
    ) -> Order:
        body = self.folder / f"{running.server.name}-{scenario.name}-{hold}.json"
        if not body.exists():
            body.write_bytes(msgspec.json.encode(scenario.body(ask.model)))
        headers = [("host", f"127.0.0.1:{running.server.port}"), ("content-type", "application/json"), *ask.headers]
        if scenario.dialect == "messages":
            headers.append(("anthropic-version", "2023-06-01"))
        lines = [f"POST {ask.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return Order(
            host="127.0.0.1",
            port=running.server.port,
            head="\r\n".join(lines),
            body=str(body),
            connections=connections or scenario.connections,
            seconds=self.seconds,
            end=scenario.end,
            hold=hold,
        )

    def _spawn(self, module: str, argument: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, argument]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.sched_setaffinity(process.pid, self.others)
        return process

    def _generate(self, order: Order) -> Result:
        process = self._spawn("bench.load", msgspec.json.encode(order).decode())
        output, _ = process.communicate(timeout=self.seconds + 30)
        return msgspec.json.decode(output, type=Result)

    def open_streams(self, running: Running) -> float:
        """Bytes of memory that one open stream costs: after a warm-up, and before the load leaves room in the heap."""
        scenario = next(one for one in SCENARIOS if one.name == "paced")
        ask, warm = running.server.ask(scenario, "hold"), running.server.ask(scenario)
        assert ask is not None and warm is not None
        self.load(running, scenario, warm)
        before = memory_bytes(running.pid)
        order = self._order(running, scenario, ask, connections=OPEN, hold=True)
        process = self._spawn("bench.load", msgspec.json.encode(order).decode())
        assert process.stdout
        held = process.stdout.readline().strip() == "held"
        during = memory_bytes(running.pid)
        process.kill()
        process.communicate()
        return (during - before) / OPEN if held else 0.0

    def run(self, kinds: list[type[Server]], rounds: int, scenarios: Sequence[Scenario] = SCENARIOS) -> None:
        """Start all, measure in turns."""
        with ExitStack() as stack:
            self.upstream = self._spawn("bench.upstream", "0")
            stack.callback(self.upstream.communicate)
            stack.callback(self.upstream.kill)
            assert self.upstream.stdout
            url = self.upstream.stdout.readline().strip()
            direct = Direct(self.folder, url, int(url.rsplit(":", 1)[1]))
            everyone = [Running(direct, 0, 0.0), *self._start(kinds, url, stack)]
            for running in everyone[1:]:
                self.measured[running.server.name].stream = self.open_streams(running)
            for number in range(rounds):
                for scenario in scenarios:
                    say(f"round {number + 1}/{rounds}: {scenario.title}")
                    for running in everyone:
                        self._measure(running, scenario)
            for running in everyone[1:]:
                self.measured[running.server.name].loaded = memory_bytes(running.pid)

    def _start(self, kinds: list[type[Server]], url: str, stack: ExitStack) -> list[Running]:
        found = []
        self.measured["direct"] = Measured(name="direct")
        for kind in kinds:
            home = self.folder / kind.name
            home.mkdir()
            try:
                running = stack.enter_context(started(kind(home, url, free_port())))
            except Missing as missing:
                say(f"{kind.name} is left out: {missing}")
                continue
            time.sleep(1)
            self.measured[kind.name] = Measured(name=kind.name, ready=running.ready, idle=memory_bytes(running.pid))
            found.append(running)
        return found

    def _measure(self, running: Running, scenario: Scenario) -> None:
        ask = running.server.ask(scenario)
        if ask is None:
            return
        sample = self.load(running, scenario, ask)
        if sample.result.errors:
            say(f"  {running.server.name}: {sample.result.errors} errors, {sample.result.answers} answers")
        self.measured[running.server.name].samples.setdefault(scenario.name, []).append(sample)


def say(text: str) -> None:
    """Progress goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the gateway beside other servers.")
    parser.add_argument("--peers", action="store_true", help="also LiteLLM and Portkey (750 MB under .cache)")
    parser.add_argument("--only", default="", help="scenarios, by name, with commas between")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each scenario in each round")
    parser.add_argument("--quick", action="store_true", help="one round of half a second")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    kinds: list[type[Server]] = [Hexapla, Nginx, *([LiteLLM, Portkey] if asked.peers else [])]
    with tempfile.TemporaryDirectory(prefix="hexapla-bench-") as folder:
        bench = Bench(Path(folder), 0.5 if asked.quick else asked.seconds)
        names = asked.only.split(",") if asked.only else [scenario.name for scenario in SCENARIOS]
        bench.run(kinds, 1 if asked.quick else asked.rounds, [one for one in SCENARIOS if one.name in names])
    found = rows(bench.measured.values())
    if asked.json:
        print(msgspec.json.encode({"machine": machine(), "rows": found}).decode())
        return 0
    shape = markdown if asked.markdown else plain
    print(machine(), shape(table(found)), shape(verdicts(found)), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
