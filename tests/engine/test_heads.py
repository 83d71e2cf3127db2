"""An answer's head says the same in both of its forms, and what answers share is nobody's own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from hexapla.engine.heads import MAX_LOSS_HEADER, Head, answer_head, losses_value, plain_head
from hexapla.ir.loss import Loss
from hexapla.routing.commands import Start

IDS = ("x-request-id", "request-id", "x-generation-id")


LOST = (Loss(field="top_k", why="", severity="parameter"),)


def served(answer_id: str, *, stream: bool = False, model: str = "m", losses: tuple[Loss, ...] = LOST) -> Head:
    lane = SimpleNamespace(name="hub", losses=losses)
    candidate = SimpleNamespace(provider=SimpleNamespace(id="one"), model=model)
    return answer_head(answer_id, Start(cast(Any, lane), cast(Any, candidate), stream, 2, 0.0))


@pytest.mark.parametrize(
    "head", [served("gen-1"), served("gen-1", stream=True), plain_head("gen-1", ("x", "y")).and_more(("z", "ä"))]
)
def test_lines_are_the_pairs(head: Head) -> None:
    assert head.lines == "".join(f"{name}: {value}\r\n" for name, value in head.pairs)
    assert [dict(head.pairs)[name] for name in IDS] == ["gen-1"] * 3
    assert head.streams == ("content-type: text/event-stream" in head.lines)


def test_only_the_id_differs() -> None:
    first, second = dict(served("gen-1").pairs), dict(served("gen-2").pairs)
    assert {name for name in first if first[name] != second[name]} == set(IDS)
    assert first["x-hexapla-losses"] == "top_k" and first["x-hexapla-attempts"] == "2"


def test_a_model_cannot_speak_for_the_gateway() -> None:
    """Whatever a model is called, its name ends no line and is nobody's id."""
    head = served("gen-1", model="m\r\nset-cookie: x\0\u2028")
    assert "set-cookie" not in dict(head.pairs) and "\r\nset-cookie" not in head.lines
    assert dict(head.pairs)["x-hexapla-model"] == "m  set-cookie: x \\u2028"


def test_losses_are_named_whole_or_not_at_all() -> None:
    names = [f"messages[{place}].content[0].citations" for place in range(60)]
    said = losses_value([Loss(field=name, why="", severity="content") for name in names])
    assert said.split(", ") == names[: said.count(",") + 1] and MAX_LOSS_HEADER - 40 < len(said) <= MAX_LOSS_HEADER
    assert len(losses_value([Loss(field="x" * 2000, why="", severity="content")])) == MAX_LOSS_HEADER
