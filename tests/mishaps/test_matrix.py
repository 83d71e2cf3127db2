"""The fault matrix holds, every fault has a row, and the published page says what was just seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from mishaps.plays import PLAYS
from mishaps.rows import ROWS
from mishaps.sweep import Swept, sweep
from mishaps.table import LANGUAGES, markdown
from mishaps.verdict import wrong

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mishaps")]

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def swept() -> Swept:
    """Everything, played once."""
    return sweep()


@pytest.mark.timeout(400)
def test_the_gateway_is_well_after_all_of_it(swept: Swept) -> None:
    """Nothing runs on, nothing was said where nothing may be said, nothing was complained of."""
    assert swept.running == 0
    assert swept.leaked == 0
    assert not swept.complaints


@pytest.mark.parametrize("fault", dict.fromkeys(play.fault for play in PLAYS))
def test_a_fault_ends_as_it_must(fault: str, swept: Swept) -> None:
    """For every client, whole and streamed, alone and with a second endpoint: the right error, or the whole answer."""
    cells = [one for one in swept.played if one.cell.play.fault == fault]
    assert len(cells) >= 24
    broken = [f"{one.cell}: {problem}" for one in cells if (problem := wrong(one))]
    assert not broken, "\n".join(broken)


def test_every_fault_has_a_row() -> None:
    """78 of them, each with a play, with a test that exists elsewhere, or with a word on why there is none."""
    assert list(ROWS) == [f"F{number:02}" for number in range(1, 79)]
    played = {play.fault for play in PLAYS}
    for fault, row in ROWS.items():
        assert fault in played or row.elsewhere or all(row.note), fault
        assert all((TESTS / path).is_file() for path in row.elsewhere), fault


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_published_page_is_current(language: str, swept: Swept) -> None:
    """`PYTHONPATH=tests python -m mishaps.table` writes it."""
    file = TESTS.parent / "docs" / ("zh/faults.md" if language == "zh" else "faults.md")
    assert file.read_text(encoding="utf-8") == markdown(language, swept.played)
