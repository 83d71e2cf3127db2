"""OpenAI Chat Completions, as its inventor and its hundred relatives speak it."""

from __future__ import annotations

from hexapla.protocols.base import Protocol
from hexapla.protocols.failures import classify
from hexapla.protocols.openai_chat.answer import render_response
from hexapla.protocols.openai_chat.decode import ChatDecoder
from hexapla.protocols.openai_chat.encode import ChatEncoder
from hexapla.protocols.openai_chat.errors import render_error
from hexapla.protocols.openai_chat.glance import glance
from hexapla.protocols.openai_chat.render import render_request
from hexapla.protocols.openai_chat.request import parse_request
from hexapla.protocols.openai_chat.response import parse_response
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.texts import texts_to

OPENAI_CHAT = Protocol(
    name=NAME,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    glance=glance,
    render_response=render_response,
    decoder=ChatDecoder,
    encoder=ChatEncoder,
    parse_error=classify,
    render_error=render_error,
    texts_to=texts_to,
)
