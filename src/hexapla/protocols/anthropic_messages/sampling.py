"""Sampling parameters as Messages takes them; a model that thinks takes fewer, and some take none."""

from __future__ import annotations

from typing import Any

from hexapla.errors import ClientError, Kind
from hexapla.ir.loss import LossLog
from hexapla.ir.request import Sampling
from hexapla.ir.target import Target

Json = dict[str, Any]

_KNOWN = ("temperature", "top_p", "top_k")
_UNKNOWN = tuple(name for name in Sampling.__struct_fields__ if name not in (*_KNOWN, "stop", "n"))
_NOTHING = Sampling()
LEAST_TOP_P = 0.95


def render_sampling(sampling: Sampling, target: Target, thinking: Json | None, losses: LossLog) -> Json:
    """The fields.  Raises ClientError for n > 1: Messages gives one answer."""
    if sampling == _NOTHING:
        return {}
    if (sampling.n or 1) > 1:
        raise ClientError(Kind.UNSUPPORTED, "Messages gives one answer per request; n must be 1.", param="n")
    for name in _UNKNOWN:
        if getattr(sampling, name) is not None:
            losses.add(f"sampling.{name}", f"Messages has no {name}")
    said: Json = {name: value for name in _KNOWN if (value := getattr(sampling, name)) is not None}
    if not target.sampling:
        for name in said:
            losses.add(f"sampling.{name}", "the model takes no sampling parameters")
        said = {}
    elif thinking is not None and thinking.get("type") != "disabled":
        said = _while_thinking(said, losses)
    if not target.both_samplings and said.keys() >= {"temperature", "top_p"}:
        losses.add("sampling.top_p", "the model takes it or temperature, not both")
        del said["top_p"]
    if said.get("temperature", 0) > 1:
        losses.add("sampling.temperature", "Messages takes 0 to 1; clamped")
        said["temperature"] = 1.0
    return said if sampling.stop is None else said | _stop(sampling.stop, losses)


def _while_thinking(said: Json, losses: LossLog) -> Json:
    """While it thinks, a model takes no temperature but 1, no top_k, and a top_p from 0.95 on (docs.claude.com, extended
    thinking)."""
    if said.get("top_p", 1) < LEAST_TOP_P:
        losses.add("sampling.top_p", f"a model that thinks takes {LEAST_TOP_P} to 1; clamped")
        said["top_p"] = LEAST_TOP_P
    refused = {n for n in ("temperature", "top_k") if n in said and not (n == "temperature" and said[n] == 1)}
    for name in refused:
        losses.add(f"sampling.{name}", "cannot be set while the model thinks")
    return {name: value for name, value in said.items() if name not in refused}


def _stop(stop: tuple[str, ...], losses: LossLog) -> Json:
    kept = [sequence for sequence in stop if sequence.strip()]
    if len(kept) < len(stop):
        losses.add("sampling.stop", "Messages takes no stop sequence of white space only")
    return {"stop_sequences": kept} if kept or not stop else {}
