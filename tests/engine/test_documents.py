"""PDFs are read by a process of their own; one that cannot be read is an error that says why."""

from __future__ import annotations

import asyncio
import base64

import pytest

from fakes.pdf import pdf
from hexapla.engine import documents
from hexapla.errors import ClientError, Kind


def read(data: str) -> str:
    return asyncio.run(documents.texts_of({data: "herons.pdf"}))[data]


def test_a_text_is_read() -> None:
    assert read(pdf("Three herons were seen.")) == "Three herons were seen."


@pytest.mark.parametrize(
    ("data", "why"),
    [("%", "not valid base64"), (base64.b64encode(b"no PDF").decode(), "damaged"), (pdf(""), "no text in it")],
)
def test_what_cannot_be_read(data: str, why: str) -> None:
    with pytest.raises(ClientError, match=f"'herons.pdf' cannot be read: .*{why}") as caught:
        read(data)
    assert caught.value.kind is Kind.INVALID_REQUEST


def test_a_reader_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "SECONDS", 0.05)
    monkeypatch.setattr(documents, "PROGRAM", (documents.PROGRAM[0], "-c", "import time; time.sleep(60)"))
    with pytest.raises(ClientError, match="took longer than"):
        read(pdf("x"))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "reads_pdfs", lambda: False)
    with pytest.raises(ClientError, match=r"pip install hexapla\[pdf\]"):
        read(pdf("x"))
    assert asyncio.run(documents.texts_of({})) == {}
