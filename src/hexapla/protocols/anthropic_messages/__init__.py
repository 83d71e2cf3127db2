"""Anthropic Messages, as Anthropic and those who speak its dialect serve it."""

from __future__ import annotations

from collections.abc import Mapping

from hexapla.errors import GatewayError, UpstreamError
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages.decode import MessagesDecoder
from hexapla.protocols.anthropic_messages.encode import MessagesEncoder
from hexapla.protocols.anthropic_messages.errors import render_error
from hexapla.protocols.anthropic_messages.render import render_request
from hexapla.protocols.anthropic_messages.request import parse_request
from hexapla.protocols.anthropic_messages.response import glance, parse_response, render_response
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.base import Protocol, Reply, StreamDecoder, StreamEncoder
from hexapla.protocols.failures import classify


class _AnthropicMessages:
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
        return MessagesDecoder()

    def encoder(self, reply: Reply) -> StreamEncoder:
        return MessagesEncoder(reply)

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return classify(status, headers, body)

    def render_error(self, error: GatewayError) -> tuple[int, bytes]:
        return render_error(error)


ANTHROPIC_MESSAGES: Protocol = _AnthropicMessages()
