"""OpenAI Responses, as OpenAI, Codex and those who followed speak it."""

from __future__ import annotations

from collections.abc import Mapping

from hexapla.errors import GatewayError, UpstreamError
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols.base import Protocol, Reply, StreamDecoder, StreamEncoder
from hexapla.protocols.failures import classify
from hexapla.protocols.openai_responses.decode import ResponsesDecoder
from hexapla.protocols.openai_responses.encode import ResponsesEncoder
from hexapla.protocols.openai_responses.errors import render_error
from hexapla.protocols.openai_responses.render import render_request
from hexapla.protocols.openai_responses.request import parse_request
from hexapla.protocols.openai_responses.response import parse_response, render_response
from hexapla.protocols.openai_responses.words import NAME


class _OpenAIResponses:
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
        return ResponsesDecoder()

    def encoder(self, reply: Reply) -> StreamEncoder:
        return ResponsesEncoder(reply)

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return classify(status, headers, body)

    def render_error(self, error: GatewayError) -> tuple[int, bytes]:
        return render_error(error)


OPENAI_RESPONSES: Protocol = _OpenAIResponses()
