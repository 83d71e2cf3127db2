"""What a server of one's own says that it serves: its list of models, as facts.

Ollama, vLLM and LM Studio answer GET /v1/models in OpenAI's shape; vLLM tells how long a context may be
(https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html, 2026-11: max_model_len).

Rules of this file: pure; whatever is no such list is no server of models, and a gateway's list is not taken for one.
"""

from __future__ import annotations

import re

import msgspec

from hexapla.catalog.schema import Model

MOST = 1000  # models of one server

_KINDS = (
    (re.compile(r"embed|bge-|minilm|nomic"), "embedding"),
    (re.compile(r"rerank"), "rerank"),
    (re.compile(r"whisper"), "transcription"),
)


class _Entry(msgspec.Struct, frozen=True):
    id: str
    max_model_len: int | None = None
    canonical_slug: str | None = None  # gateways of OpenRouter's kind, ours too


class _List(msgspec.Struct, frozen=True):
    data: list[_Entry]
    object: str = ""


_decode = msgspec.json.Decoder(_List).decode


def read_models(body: bytes) -> tuple[Model, ...] | None:
    """The models of an answer to GET /v1/models; None where it is no list of a server's own models."""
    try:
        said = _decode(body)
    except msgspec.MsgspecError:
        return None
    if said.object != "list" or any(entry.canonical_slug for entry in said.data):
        return None
    return tuple(_model(entry) for entry in said.data[:MOST] if entry.id)


def _model(entry: _Entry) -> Model:
    lower = entry.id.lower()
    kind = next((kind for pattern, kind in _KINDS if pattern.search(lower)), "chat")
    return msgspec.convert(
        {
            "id": entry.id,
            "aliases": (entry.id.removesuffix(":latest"),) if entry.id.endswith(":latest") else (),
            "kind": kind,
            "context": entry.max_model_len,
            "input_modalities": ("audio",) if kind == "transcription" else ("text",),
            "output_modalities": ("embedding",) if kind == "embedding" else ("text",),
            "free": True,
        },
        Model,
    )
