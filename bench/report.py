"""Figures as tables: for the eye, as Markdown, as JSON."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from bench.load import Result
from bench.scenarios import SCENARIOS, TARGETS, Scenario, Target

GATEWAY, BARE, NOTHING = "Hexapla", "nginx", "direct"
LATENCIES = ("plain-1", "plain-32", "plain-256")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One round: CPU seconds of the server's tree, and what the generator saw.

    bound  generator and upstream had used up their cores
    """

    cpu: float
    result: Result
    bound: bool


class Measured(msgspec.Struct, kw_only=True):
    """All that is known of one server.  Seconds and bytes; `samples` by scenario."""

    name: str
    ready: float = 0.0
    idle: int = 0
    loaded: int = 0
    stream: float = 0.0
    samples: dict[str, list[Sample]] = {}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table: a figure, and its value for every server."""

    figure: str
    title: str
    unit: str
    values: dict[str, float | None]
    note: str = ""


def cost(measured: Measured, scenario: Scenario) -> float | None:
    """CPU µs per answer, or per event of a paced stream."""
    samples = [sample for sample in measured.samples.get(scenario.name, ()) if sample.result.answers]
    costs = sorted(sample.cpu / sample.result.answers / scenario.units * 1e6 for sample in samples)
    if not costs or measured.name == NOTHING:
        return None
    return costs[len(costs) // 4] if scenario.kind == "paced" else costs[0]


def _best(measured: Measured, name: str, pick: Callable[[Result], float]) -> float | None:
    return min(
        (pick(sample.result) for sample in measured.samples.get(name, ()) if sample.result.answers), default=None
    )


def _added(all_: dict[str, Measured], measured: Measured, name: str, pick: Callable[[Result], float]) -> float | None:
    here, zero = _best(measured, name, pick), _best(all_[NOTHING], name, pick)
    return None if here is None or zero is None or measured.name == NOTHING else (here - zero) * 1e3


def rows(measured: Iterable[Measured]) -> list[Row]:
    """Every figure of every server."""
    all_ = {one.name: one for one in measured}
    shown = [one for one in all_.values() if one.name != NOTHING]

    def row(figure: str, title: str, unit: str, of: Callable[[Measured], float | None], note: str = "") -> Row:
        return Row(figure=figure, title=title, unit=unit, values={one.name: of(one) for one in shown}, note=note)

    def costs(scenario: Scenario) -> Row:
        title = f"CPU, {scenario.title}"
        return row(scenario.name, title, "µs", lambda one: cost(one, scenario), _note(all_.values(), scenario.name))

    def latency(name: str, quantile: str) -> Row:
        count = name.removeprefix("plain-")
        title = f"added latency {quantile}, {count} connection{'s' * (count != '1')}"
        return row(
            f"added-{quantile}-{count}",
            title,
            "ms",
            lambda one: _added(all_, one, name, lambda r: getattr(r, quantile)),
        )

    def first(name: str, title: str) -> Row:
        return row(f"first-{name}", title, "ms", lambda one: _scaled(_best(one, name, lambda r: r.first_p50), 1e3))

    return [
        *map(costs, SCENARIOS),
        *(latency(name, quantile) for name in LATENCIES for quantile in ("p50", "p99")),
        first("paced", "time to first byte p50, 32 paced streams"),
        first("hub-paced", "time to first byte p50, 32 paced streams, Messages → Chat"),
        row("ready", "start to first answer", "s", lambda one: one.ready),
        row("idle", "memory, idle", "MB", lambda one: one.idle / 1e6),
        row("loaded", "memory, after load", "MB", lambda one: one.loaded / 1e6),
        row("stream", "memory, per open stream", "KB", lambda one: one.stream / 1e3 if one.stream else None),
    ]


def _note(measured: Iterable[Measured], name: str) -> str:
    """What a reader must know of a scenario's figures."""
    samples = {one.name: one.samples.get(name, []) for one in measured}
    bound = [server for server, found in samples.items() if any(sample.bound for sample in found)]
    failed = [server for server, found in samples.items() if any(sample.result.errors for sample in found)]
    return "; ".join(
        f"{what}: {', '.join(servers)}" for what, servers in (("generator-bound", bound), ("errors", failed)) if servers
    )


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def held(target: Target, found: list[Row]) -> tuple[float | None, float | None]:
    """The gateway's figure and its limit; None where it was not measured."""
    row = next(row for row in found if row.figure == target.figure)
    limit: float | None = target.limit
    if target.times_nginx:
        limit = _scaled(row.values.get(BARE), target.limit)
    return row.values.get(GATEWAY), limit


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(digits, 3)}f}"


def table(found: list[Row]) -> list[list[str]]:
    """Heading and lines."""
    names = list(found[0].values)
    heading = ["figure", "unit", *names, ""]
    return [heading, *([row.title, row.unit, *(number(row.values[name]) for name in names), row.note] for row in found)]


def verdicts(found: list[Row]) -> list[list[str]]:
    """The promises, and whether they were kept."""
    lines = [["target", "unit", "limit", "measured", ""]]
    for target in TARGETS:
        value, limit = held(target, found)
        title = next(row.title for row in found if row.figure == target.figure)
        said = f"{number(limit)} ({target.limit:g} × nginx)" if target.times_nginx else number(limit)
        kept = "not measured" if value is None or limit is None else "kept" if value <= limit else "BROKEN"
        lines.append([title, target.unit, said, number(value), kept])
    return lines


def machine() -> str:
    """Where it was measured."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {system}"


def plain(lines: list[list[str]]) -> str:
    """A table for the terminal."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    left = {0, 1, len(widths) - 1}
    return "\n".join(
        "  ".join(
            cell.ljust(w) if at in left else cell.rjust(w) for at, (cell, w) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def markdown(lines: list[list[str]]) -> str:
    """The same for the documentation."""
    heading, *body = lines
    rule = ["---", "---", *["---:"] * (len(heading) - 3), "---"]
    return "\n".join("| " + " | ".join(line) + " |" for line in (heading, rule, *body))
