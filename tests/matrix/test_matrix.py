"""Every case, from every client dialect, to every upstream dialect, whole and streamed; and the published table of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from carry import CLIENTS, carry
from cases import CASES, Case
from table import LANGUAGES, markdown

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("upstream", CLIENTS)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_a_case_arrives(case: Case, client: str, upstream: str, stream: bool) -> None:
    """The answer's text, thought, calls, reason and counts are the same at both ends."""
    carried = carry(case, client, upstream, stream=stream)
    if carried is None or carried.refused:
        return
    assert carried.heard == carried.sent
    assert (carried.lane == "verbatim") == (client == upstream)


def test_most_cases_can_be_asked_everywhere() -> None:
    """The table is not empty talk: sixty cases and more, and nearly all of them from every dialect."""
    assert len(CASES) >= 60
    asked = [carry(case, client, "openai_chat", stream=False) for case in CASES for client in CLIENTS]
    assert sum(one is not None for one in asked) > 0.85 * len(asked)
    assert sum(one is not None and bool(one.refused) for one in asked) == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_published_matrix_is_current(language: str) -> None:
    """docs/matrix.md says what the code does; `python tests/matrix/table.py` writes it."""
    file = DOCS / ("zh/matrix.md" if language == "zh" else "matrix.md")
    assert file.read_text(encoding="utf-8") == markdown(language)
