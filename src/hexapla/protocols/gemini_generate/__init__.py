"""Gemini generateContent, as Google serves it at the Gemini API and on Vertex AI."""

from __future__ import annotations

from hexapla.protocols.base import Protocol, glancing
from hexapla.protocols.failures import classify
from hexapla.protocols.gemini_generate.decode import GeminiDecoder
from hexapla.protocols.gemini_generate.encode import GeminiEncoder
from hexapla.protocols.gemini_generate.errors import render_error
from hexapla.protocols.gemini_generate.render import render_request
from hexapla.protocols.gemini_generate.request import parse_request
from hexapla.protocols.gemini_generate.response import parse_response, render_response
from hexapla.protocols.gemini_generate.words import NAME

GEMINI_GENERATE = Protocol(
    name=NAME,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    glance=glancing(parse_response),
    render_response=render_response,
    decoder=GeminiDecoder,
    encoder=GeminiEncoder,
    parse_error=classify,
    render_error=render_error,
)
