"""Writes docs/faults.md and docs/zh/faults.md: what becomes of every fault of the matrix, as it was just played."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mishaps.plays import PLAYS, Play
from mishaps.rows import ROWS, Row
from mishaps.sweep import Played, sweep
from mishaps.verdict import wrong

LANGUAGES = ("en", "zh")
TITLE = ("# Faults", "# 故障")
HEAD = (
    ("", "fault", "variants", "alone, the client gets", "asked", "with a second endpoint", "cells that hold"),
    ("", "故障", "变体", "单独时客户端得到", "询问次数", "有第二个端点时", "成立的单元"),
)
ANSWER = ("the whole answer", "完整回答")
UNSEEN = ("unseen", "不可见")
LATE = ("unseen until content", "内容之前不可见")
RESUMED = ("unseen until content, with `resume` also later", "内容之前不可见；之后用 `resume` 也不可见")
ABOUT_EN = """\
78 faults that LLM gateways meet, played over real sockets against a running gateway: each variant for clients of Chat,
Responses and Messages, to an endpoint of the same dialect and of another one, whole and streamed, alone and with a second
endpoint that is well. A cell holds when the official SDK (openai, anthropic) raises the exception of the right class, with
a text that explains it and tells nothing that it must not, when the record names the same kind, when the endpoint was asked
as often as written here, and when it ended in time; or when the client has the whole answer. Behind content, which cannot
be taken back, a stream ends with the dialect's own error ("late"), never with a success; where `resume` is wished for, the
second endpoint completes it, word for word.

F72 is the gateway's own: its cells go to one whose memory is full, and what is sent away is counted, not recorded. Other
faults without an upstream have no cells; the tests that play them are named. ○ is not covered altogether. This page is
written by `PYTHONPATH=tests python -m mishaps.table`, and a test says when it is stale."""
ABOUT_ZH = """\
LLM 网关会遇到的 78 种故障，经真实套接字对运行中的网关逐一演练：每个变体分别面向 Chat、Responses、Messages 客户端，
端点为相同协议与不同协议，整体与流式，单独与另有健康端点。满足以下条件的单元成立：官方 SDK（openai、anthropic）
抛出正确类别的异常，文字说明原因且不泄露不该泄露的内容；记录中的类别一致；端点被询问的次数与此处相同；按时结束。
或者客户端得到完整回答。内容已经送出便无法收回，此后流以该协议自己的错误结束（“late”），绝不伪装成功；
若要求 `resume`，第二个端点会逐字补完。

F72 属于网关自身：其单元发往内存已满的网关，被拒绝的请求只计数，不留记录。其余没有单元的故障不属于上游，
表中列出演练它们的测试。○ 表示未完全覆盖。
本页由 `PYTHONPATH=tests python -m mishaps.table` 生成，过期时测试会指出。"""
ABOUT = (ABOUT_EN, ABOUT_ZH)


def markdown(language: str, played: Sequence[Played]) -> str:
    """The whole page."""
    column = LANGUAGES.index(language)
    lines = [_row(HEAD[column]), _row(["---"] * len(HEAD[column]))]
    lines += [_row(_cells(fault, row, column, played)) for fault, row in ROWS.items()]
    total = f"{sum(not wrong(one) for one in played)} / {len(played)}"
    return "\n".join([TITLE[column], "", ABOUT[column], "", *lines, "", total, ""])


def _cells(fault: str, row: Row, column: int, played: Sequence[Played]) -> list[str]:
    plays = [play for play in PLAYS if play.fault == fault]
    mine = [one for one in played if one.cell.play.fault == fault]
    tests = ", ".join(f"`tests/{path}`" for path in row.elsewhere)
    what = (row.en, row.zh)[column]
    if not plays:
        return [fault, what, "", "; ".join(filter(None, (tests, row.note[column]))), "", "", _verdict(row)]
    held = sum(not wrong(one) for one in mine)
    return [
        fault,
        what,
        str(len(plays)),
        _ends(plays, column),
        _range([play.tries for play in plays]),
        ", ".join(dict.fromkeys(_second(play, column) for play in plays)),
        f"{held} / {len(mine)} {'✓' if held == len(mine) else '✗'}",
    ]


def _ends(plays: Sequence[Play], column: int) -> str:
    before = dict.fromkeys(f"`{play.ends}`" if play.ends else ANSWER[column] for play in plays)
    behind = dict.fromkeys(f"late: `{play.late}`" for play in plays if play.late)
    return ", ".join([*before, *behind])


def _verdict(row: Row) -> str:
    return "–" if not row.elsewhere else "○" if row.note[0] else "✓"


def _second(play: Play, column: int) -> str:
    if not play.ends:
        return ANSWER[column]
    if play.crowded:
        return f"`{play.ends}`"
    return (RESUMED if play.resumable else LATE if play.late else UNSEEN)[column]


def _range(tries: list[int]) -> str:
    least, most = min(tries), max(tries)
    return str(most) if least == most else f"{least}-{most}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    docs = Path(__file__).parents[2] / "docs"
    played = sweep().played
    for language in LANGUAGES:
        file = docs / ("zh/faults.md" if language == "zh" else "faults.md")
        file.write_text(markdown(language, played), encoding="utf-8")
        print(file)


if __name__ == "__main__":
    main()
