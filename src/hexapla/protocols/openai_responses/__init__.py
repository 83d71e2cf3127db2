"""OpenAI Responses, as OpenAI, Codex and those who followed speak it."""

from __future__ import annotations

from hexapla.protocols.base import Protocol, glancing
from hexapla.protocols.failures import classify
from hexapla.protocols.openai_responses.decode import ResponsesDecoder
from hexapla.protocols.openai_responses.encode import ResponsesEncoder
from hexapla.protocols.openai_responses.errors import render_error
from hexapla.protocols.openai_responses.render import render_request
from hexapla.protocols.openai_responses.request import parse_request
from hexapla.protocols.openai_responses.response import parse_response, render_response
from hexapla.protocols.openai_responses.words import NAME

OPENAI_RESPONSES = Protocol(
    name=NAME,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    glance=glancing(parse_response),
    render_response=render_response,
    decoder=ResponsesDecoder,
    encoder=ResponsesEncoder,
    parse_error=classify,
    render_error=render_error,
)
