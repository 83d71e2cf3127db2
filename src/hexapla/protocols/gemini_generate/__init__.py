"""Gemini generateContent, as Google serves it at the Gemini API and on Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping

from hexapla.errors import GatewayError, UpstreamError
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols.base import Protocol, Reply, StreamDecoder, StreamEncoder
from hexapla.protocols.gemini_generate.decode import GeminiDecoder
from hexapla.protocols.gemini_generate.encode import GeminiEncoder
from hexapla.protocols.gemini_generate.errors import parse_error, render_error
from hexapla.protocols.gemini_generate.render import render_request
from hexapla.protocols.gemini_generate.request import parse_request
from hexapla.protocols.gemini_generate.response import parse_response, render_response
from hexapla.protocols.gemini_generate.words import NAME


class _GeminiGenerate:
    name = NAME

    def parse_request(self, body: bytes) -> GenerateRequest:
        return parse_request(body)

    def render_request(self, request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
        return render_request(request, target, losses)

    def parse_response(self, body: bytes) -> GenerateResponse:
        return parse_response(body)

    def glance(self, body: bytes) -> GenerateResponse:
        return parse_response(body)

    def render_response(self, response: GenerateResponse, reply: Reply, losses: LossLog) -> bytes:
        return render_response(response, reply, losses)

    def decoder(self) -> StreamDecoder:
        return GeminiDecoder()

    def encoder(self, reply: Reply) -> StreamEncoder:
        return GeminiEncoder(reply)

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> tuple[int, bytes]:
        return render_error(error)


GEMINI_GENERATE: Protocol = _GeminiGenerate()
