"""OpenAI Chat Completions, as its inventor and its hundred relatives speak it."""

from __future__ import annotations

from collections.abc import Mapping

from hexapla.errors import GatewayError, UpstreamError
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols.base import Protocol, Reply, StreamDecoder, StreamEncoder
from hexapla.protocols.failures import classify
from hexapla.protocols.openai_chat.decode import ChatDecoder
from hexapla.protocols.openai_chat.encode import ChatEncoder
from hexapla.protocols.openai_chat.errors import render_error
from hexapla.protocols.openai_chat.render import render_request
from hexapla.protocols.openai_chat.request import parse_request
from hexapla.protocols.openai_chat.response import glance, parse_response, render_response
from hexapla.protocols.openai_chat.schema import NAME


class _OpenAIChat:
    name = NAME

    def parse_request(self, body: bytes) -> GenerateRequest:
        return parse_request(body)

    def render_request(self, request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
        return render_request(request, target, losses)

    def parse_response(self, body: bytes) -> GenerateResponse:
        return parse_response(body)

    def glance(self, body: bytes) -> GenerateResponse:
        return glance(body)

    def render_response(self, response: GenerateResponse, reply: Reply, losses: LossLog) -> bytes:
        return render_response(response, reply, losses)

    def decoder(self) -> StreamDecoder:
        return ChatDecoder()

    def encoder(self, reply: Reply) -> StreamEncoder:
        return ChatEncoder(reply)

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return classify(status, headers, body)

    def render_error(self, error: GatewayError) -> tuple[int, bytes]:
        return render_error(error)


OPENAI_CHAT: Protocol = _OpenAIChat()
