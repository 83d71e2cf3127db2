"""Anthropic Messages, as Anthropic and those who speak its dialect serve it."""

from __future__ import annotations

from hexapla.protocols.anthropic_messages.decode import MessagesDecoder
from hexapla.protocols.anthropic_messages.encode import MessagesEncoder
from hexapla.protocols.anthropic_messages.errors import render_error
from hexapla.protocols.anthropic_messages.render import render_request
from hexapla.protocols.anthropic_messages.request import parse_request
from hexapla.protocols.anthropic_messages.response import parse_response, render_response, without_content
from hexapla.protocols.anthropic_messages.texts import parse_texts
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.base import Protocol, glancing
from hexapla.protocols.failures import classify

ANTHROPIC_MESSAGES = Protocol(
    name=NAME,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    glance=glancing(without_content),
    render_response=render_response,
    decoder=MessagesDecoder,
    encoder=MessagesEncoder,
    parse_error=classify,
    render_error=render_error,
    parse_texts=parse_texts,
)
