"""What all ordinary views have in common: JSON as their answer, and errors in the dialect of their path.

A client of one dialect asks at many paths (its list of models, its counting, a path that does not exist), and reads
whatever goes wrong there as its own dialect's error.

Rules of this file: a view knows nothing of dialects; whatever it raises is told here, and every answer gets its id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from hexapla.engine.faults import as_gateway_error, internal
from hexapla.engine.telling import told_in_chinese, told_plainly
from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError
from hexapla.protocols import PROTOCOLS
from hexapla.server.body import ClientGone
from hexapla.server.gemini import operation
from hexapla.server.language import wants_chinese
from hexapla.server.paths import OPENROUTER

View = Callable[[Request], Awaitable[Response]]

CODED = ("openai_chat", "openai_responses")
"""Dialects whose errors are OpenRouter's own there, with a number as code."""

ENDPOINTS = "/v1/chat/completions, /v1/responses, /v1/messages, /v1beta/models/{model}:generateContent"


def answer(value: object, status: int = 200) -> Response:
    """`value` as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


class Guard:
    """Errors of views, told in the dialect of their path, and every answer with its id."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id

    def view(self, view: View, protocol: str) -> View:
        """`view`, guarded."""

        async def guarded(request: Request) -> Response:
            try:
                response = await view(request)
            except (GatewayError, ProtocolError) as error:
                return self.tell(as_gateway_error(error), _asked_in(request, protocol), request)
            except ClientGone:
                return Response(status_code=499)  # nobody hears it
            except Exception as fault:  # the last resort (tests/server/test_guard.py)
                return self.tell(internal(fault), _asked_in(request, protocol), request)
            return self._named(response)

        return guarded

    async def not_found(self, request: Request, error: Exception) -> Response:
        """A path or a method that does not exist, in the dialect that the path or the headers suggest."""
        status = getattr(error, "status_code", 404)
        why = "does not exist" if status == 404 else f"does not take {request.method}"
        message = f"{request.url.path} {why} here. Generation endpoints are POST {ENDPOINTS}."
        code = "not_found" if status == 404 else "method_not_allowed"
        known = ClientError(Kind.INVALID_REQUEST, message, status=status, code=code)
        if request.url.path.startswith(("/v1beta/", "/v1alpha/")):
            protocol = "gemini_generate"
        else:
            protocol = "anthropic_messages" if "/messages" in request.url.path else _asked_in(request, "openai_chat")
        if protocol != "openai_chat":
            known = ClientError(Kind.NOT_FOUND if status == 404 else Kind.INVALID_REQUEST, message, status=status)
        response = self.tell(known, protocol, request)
        if status == 405:
            response.headers["allow"] = ", ".join(_taken(request))
        return response

    def tell(self, error: GatewayError, protocol: str, request: Request) -> Response:
        """`error` in the words of `protocol`, or in OpenRouter's where its clients ask."""
        status, body = PROTOCOLS[protocol].render_error(error)
        if request.url.path.startswith(OPENROUTER) and protocol in CODED:
            status, body = told_plainly(error, (status, body))
        if wants_chinese(request.headers.raw):
            body = told_in_chinese(body)
        response = Response(body, status, media_type="application/json")
        response.headers["x-should-retry"] = "false"
        return self._named(response)

    def _named(self, response: Response) -> Response:
        response.headers["x-request-id"] = response.headers["request-id"] = self._new_id()
        return response


def _taken(request: Request) -> list[str]:
    """The methods that the request's path does take; Starlette tells those of the first route that stands there."""
    if operation(request.scope["path"]) is not None:
        return ["POST"]
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    return sorted({method for route in routes for method in route.methods})


def _asked_in(request: Request, protocol: str) -> str:
    """The dialect of an error: that of the path, or Anthropic's where its clients ask at a path that two dialects have."""
    return "anthropic_messages" if protocol == "openai_chat" and "anthropic-version" in request.headers else protocol
