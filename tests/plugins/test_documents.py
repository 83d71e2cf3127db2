"""PDFs for models that read none."""

from __future__ import annotations

import pytest

from hexapla.catalog.schema import Model
from hexapla.ir.content import Media, Text
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.plugins.documents import PDF, pdfs, told, wanted

HERE = Media(kind="document", data="JVBERi0=", media_type=PDF, filename="herons.pdf")
THERE = Media(kind="document", url="https://example.org/owls.pdf")
PICTURE = Media(kind="image", data="iVBORw0=", media_type="image/png")
NOTE = Media(kind="document", data="aGk=", media_type="text/plain", filename="note.txt")
ASKED = Text(text="What is in there?")


def request(*content: Media | Text) -> GenerateRequest:
    return GenerateRequest(protocol="openai_chat", model="m", messages=(Message(role="user", content=content),))


@pytest.mark.parametrize(
    ("engine", "modalities", "parsed"),
    [
        ("auto", ("text",), True),
        ("auto", ("text", "pdf"), False),
        ("auto", (), False),
        ("native", ("text",), False),
        ("pdf-text", ("text", "pdf"), True),
    ],
)
def test_who_is_given_text(engine: str, modalities: tuple[str, ...], parsed: bool) -> None:
    """Whoever reads PDFs, or may, keeps them, unless somebody else was asked to read them."""
    assert wanted(engine, Model(id="m", input_modalities=modalities)) is parsed
    assert wanted(engine, None) is (engine == "pdf-text")


def test_only_pdfs_are_read() -> None:
    assert pdfs(request(ASKED, HERE, THERE, PICTURE, NOTE)) == {"JVBERi0=": "herons.pdf"}


def test_text_stands_where_the_pdf_stood() -> None:
    """One at an address is not fetched, and that is said."""
    losses = LossLog()
    content = (
        told(request(ASKED, HERE, PICTURE, NOTE, THERE), {"JVBERi0=": "Three herons."}, losses).messages[0].content
    )
    assert content == (ASKED, Text(text="[herons.pdf]\nThree herons."), PICTURE, NOTE, THERE)
    assert [loss.field for loss in losses.losses] == ["messages[0].content[4]"]
