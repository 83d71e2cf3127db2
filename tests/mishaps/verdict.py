"""Whether what came of a cell is what must come of it.

The SDKs' exceptions are looked up here by status, as their own sources map them (openai/_client.py and
anthropic/_client.py, `_make_status_error`); what the client may read of an error is checked as well.
"""

from __future__ import annotations

from mishaps.plays import Play
from mishaps.sweep import KEY, SECOND, Cell, Played
from server.wire import CHAT, MESSAGES

IN_TIME = 20.0  # seconds for anything, on a busy machine

COMMON = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    429: "RateLimitError",
}
ANTHROPIC = {
    402: "PaymentRequiredError",
    408: "RequestTimeoutError",
    413: "ContentTooLargeError",
    504: "GatewayTimeoutError",
    529: "OverloadedError",
}
FORBIDDEN = ("<html", "<h1", KEY, "s3cret", "Traceback")


def expected(cell: Cell) -> str:
    """How the cell must end, without the text: "answer", "second", or the error's status and kind."""
    play = cell.play
    if not play.ends or cell.resumes:
        return "answer"
    if cell.stream and play.late:
        return play.late
    return "second" if cell.second and not play.crowded else _ends(play, cell.stream)


def wrong(played: Played) -> str:
    """What is wrong with a cell; "" when nothing is."""
    cell, heard = played.cell, played.heard
    must = expected(cell)
    problems = [
        _said(played, must),
        f"{played.tries} tries" if played.tries != tries(cell) else "",
        f"asked {played.asked} times" if _miscounted(played) else "",
        f"took {played.seconds:.1f} s" if played.seconds > IN_TIME else "",
        f"says of trying again {heard.again!r}" if heard.status >= 400 and heard.again != again(cell) else "",
        *(f"tells {word}" for word in FORBIDDEN if word in heard.message),
    ]
    return ", ".join(filter(None, problems))


def tries(cell: Cell) -> int:
    """How often its endpoint must have been asked."""
    return 1 if cell.stream and cell.play.late else cell.play.tries


def again(cell: Cell) -> str:
    """Whether the client is to try again: where the gateway has tried for it, that is enough."""
    return "true" if cell.play.crowded else "false"


def _ends(play: Play, stream: bool) -> str:
    return play.ends if stream or not play.whole else play.whole


def _said(played: Played, must: str) -> str:
    cell, heard = played.cell, played.heard
    if must in ("answer", "second"):
        text = SECOND if must == "second" else cell.play.text
        return "" if not heard.error and heard.text == text and played.outcome == "ok" else f"heard {heard}"
    status, _, kind = must.rpartition(" ")
    raised = heard.error == exception(cell.client, int(status or 0), kind)
    named = not status or heard.status == told(cell.client, int(status), kind)
    fits = raised and named and played.outcome == kind and heard.message
    spoke = bool(heard.text) == bool(not status) and cell.play.text.startswith(heard.text)
    return "" if fits and spoke else f"heard {heard}, recorded {played.outcome}"


def _miscounted(played: Played) -> bool:
    """The endpoint was asked more often, or less, than the gateway says; not where one free try is due, or it never was."""
    play = played.cell.play
    return play.acts is not None and played.asked != played.tries + play.warm


def told(protocol: str, status: int, kind: str) -> int:
    """The status in the client's dialect: overload is Messages' 529, and a 503 to everybody else."""
    return 529 if protocol == MESSAGES and kind == "overloaded" and status == 503 else status


def exception(protocol: str, status: int, kind: str) -> str:
    """The class that the SDK raises for an error; status 0: inside a stream."""
    if not status:
        return {CHAT: "APIError", MESSAGES: "APIStatusError"}.get(protocol, "FailedError")
    status = told(protocol, status, kind)
    if protocol == MESSAGES and status in ANTHROPIC:
        return ANTHROPIC[status]
    return COMMON.get(status, "InternalServerError" if status >= 500 else "APIStatusError")
