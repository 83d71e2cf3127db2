"""What a record keeps of many losses."""

from __future__ import annotations

from hexapla.ir.loss import MOST_COSMETIC, Loss, gravest, kept

IDS = tuple([Loss(f"messages[{n}].content[0].extras.openai_responses.id", "", "cosmetic") for n in range(200)])
IMAGE, SEED = Loss("messages[200].content[1]", "", "content"), Loss("sampling.seed", "", "parameter")


def test_the_gravest_stand_first() -> None:
    assert gravest([IDS[0], SEED, IMAGE, IDS[1]]) == [IMAGE, SEED, IDS[0], IDS[1]]


def test_no_grave_one_is_crowded_out() -> None:
    """A long history's items lose two names each, and the image at its end is what matters."""
    assert kept((*IDS, SEED, IMAGE)) == (IMAGE, SEED, *IDS[: MOST_COSMETIC - 2])
    many = tuple([Loss(f"tools[{n}]", "", "content") for n in range(90)])
    assert kept((*IDS, *many)) == many


def test_few_stay_as_they_were_found() -> None:
    assert kept((IDS[0], IMAGE)) == (IDS[0], IMAGE)
