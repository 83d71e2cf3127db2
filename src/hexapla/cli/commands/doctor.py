"""`hexapla doctor [PROVIDER...]`: what is wrong, why, and what to do about it.

Exit codes: 0 all is well (warnings may be there), 1 a check failed, 2 the configuration or the command line is wrong, 3
there is nobody to examine.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

import msgspec
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hexapla.cli.console import table_console
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.doctor.choose import Subject, subjects
from hexapla.doctor.examine import Report, examine, quiet
from hexapla.doctor.finding import CHECKS, Finding, Verdict, worst
from hexapla.doctor.words import cause, remedy
from hexapla.engine.assemble import open_gateway

NOBODY = 3
_SIGNS: dict[Verdict, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "bold red"),
    "skip": ("-", "dim"),
}
_WAITING = ("…", "dim")


def run(arguments: argparse.Namespace, say: Say) -> int:
    loaded = load_config(arguments.config)
    chosen = subjects(loaded, arguments.provider, arguments.model)
    found: list[Finding] = []

    async def work(report: Report) -> None:
        gateway = open_gateway(quiet(loaded))
        try:
            await examine(gateway, chosen, report, online=not arguments.offline)
        finally:
            await gateway.aclose()

    if arguments.json:
        asyncio.run(work(found.append))
        print(as_json(found, say))
        return _exit_code(found)
    if not chosen:
        print(say("doctor-nobody"))
        return NOBODY
    console = table_console()
    with Live(_table(chosen, found, say), console=console, auto_refresh=False) as live:

        def show(finding: Finding) -> None:
            found.append(finding)
            live.update(_table(chosen, found, say), refresh=console.is_terminal)

        asyncio.run(work(show))
    order = [subject.provider.id for subject in chosen]
    found.sort(key=lambda finding: (order.index(finding.provider), CHECKS.index(finding.check)))
    console.print(_complaints(found, say))
    return _exit_code(found)


def as_json(found: Sequence[Finding], say: Say) -> str:
    """Everything that was found, with its words."""
    by_provider: dict[str, list[dict[str, object]]] = {}
    for finding in found:
        row = msgspec.to_builtins(finding)
        del row["provider"]
        said = {"cause": cause(finding, say.language), "remedy": remedy(finding, say.language)}
        by_provider.setdefault(finding.provider, []).append(row | said)
    rows = [{"provider": provider, "findings": findings} for provider, findings in by_provider.items()]
    return msgspec.json.encode({"ok": _exit_code(found) == 0, "providers": rows}).decode()


def _exit_code(found: Sequence[Finding]) -> int:
    if not found:
        return NOBODY
    return 1 if worst(found) == "fail" else 0


def _table(chosen: Sequence[Subject], found: Sequence[Finding], say: Say) -> Table:
    """One row a provider, one column a check."""
    table = Table(say("provider"), *(say(f"check-{check}") for check in CHECKS), box=None, padding=(0, 1, 0, 0))
    for subject in chosen:
        own = [finding for finding in found if finding.provider == subject.provider.id]
        signs = []
        for check in CHECKS:
            verdicts = [finding for finding in own if finding.check == check]
            signs.append(Text(*(_SIGNS[worst(verdicts)] if verdicts else _WAITING)))
        table.add_row(subject.provider.id, *signs)
    return table


def _complaints(found: Sequence[Finding], say: Say) -> Group:
    """Cause and remedy of everything that is not well; how fast the others were."""
    wrong = [finding for finding in found if finding.verdict in ("warn", "fail")]
    lines = [line for finding in wrong for line in _complaint(finding, say)]
    asked = [finding for finding in found if finding.check in ("call", "stream") and finding.verdict == "ok"]
    told = [Text(_line(finding, say), "dim") for finding in asked]
    return Group("", *told, *(lines or [Text(say("doctor-well"), "green")]))


def _complaint(finding: Finding, say: Say) -> list[Text]:
    what = remedy(finding, say.language)
    return [Text(_line(finding, say), _SIGNS[finding.verdict][1]), *([Text(f"  → {what}")] if what else [])]


def _line(finding: Finding, say: Say) -> str:
    sign, _ = _SIGNS[finding.verdict]
    return f"{sign} {finding.provider} · {say(f'check-{finding.check}')}: {cause(finding, say.language)}"
