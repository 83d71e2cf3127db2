"""Errors as OpenAI's SDK raises them."""

from __future__ import annotations

import json

import httpx2
import openai
import pytest

from hexapla.errors import ClientError, GatewayError, Kind, RoutingError, UpstreamError
from hexapla.protocols.openai_chat import OPENAI_CHAT

CASES = [
    (Kind.INVALID_REQUEST, 400, openai.BadRequestError, "invalid_request_error", None),
    (Kind.CONTEXT_LENGTH, 400, openai.BadRequestError, "invalid_request_error", "context_length_exceeded"),
    (Kind.CLIENT_AUTH, 401, openai.AuthenticationError, "invalid_request_error", "invalid_api_key"),
    (Kind.PERMISSION, 403, openai.PermissionDeniedError, "permission_error", None),
    (Kind.NOT_FOUND, 404, openai.NotFoundError, "invalid_request_error", "model_not_found"),
    (Kind.RATE_LIMIT, 429, openai.RateLimitError, "rate_limit_error", "rate_limit_exceeded"),
    (Kind.OVERLOADED, 503, openai.InternalServerError, "server_error", "overloaded"),
    (Kind.TIMEOUT, 504, openai.InternalServerError, "server_error", "timeout"),
    (Kind.UPSTREAM_CONNECT, 502, openai.InternalServerError, "server_error", "upstream_connect"),
]


@pytest.mark.parametrize(("kind", "status", "raised", "word", "code"), CASES)
def test_kinds(kind: Kind, status: int, raised: type[openai.APIStatusError], word: str, code: str | None) -> None:
    """Each kind has the status, type and code that make the SDK raise the right exception."""
    found, body = OPENAI_CHAT.render_error(GatewayError(kind, "why", param="p"))
    assert found == status
    assert json.loads(body)["error"] == {"message": "why", "type": word, "param": "p", "code": code}

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(found, content=body, headers={"content-type": "application/json"})

    http = httpx2.Client(transport=httpx2.MockTransport(respond))
    with pytest.raises(raised, match="why"):
        openai.OpenAI(api_key="k", base_url="http://test", http_client=http, max_retries=0).chat.completions.create(
            model="m", messages=[]
        )


def test_upstream_words_win() -> None:
    """What the upstream called it, and its own status, reach the client."""
    error = OPENAI_CHAT.parse_error(422, {}, b'{"error":{"message":"no","type":"extra_forbidden","code":"x1"}}')
    assert isinstance(error, UpstreamError)
    status, body = OPENAI_CHAT.render_error(error)
    assert status == 422
    assert json.loads(body)["error"] == {"message": "no", "type": "extra_forbidden", "param": None, "code": "x1"}


def test_rejected_candidates_are_told() -> None:
    """A request that nobody could serve says who was ruled out and why."""
    _, body = OPENAI_CHAT.render_error(RoutingError("nobody", rejected=[("a/b", "no key")]))
    assert json.loads(body)["error"]["metadata"] == {"rejected": [{"endpoint": "a/b", "reason": "no key"}]}


def test_client_errors() -> None:
    """Our own refusals name the field."""
    status, body = OPENAI_CHAT.render_error(ClientError(Kind.UNSUPPORTED, "no", param="n"))
    assert (status, json.loads(body)["error"]["param"]) == (400, "n")
