"""OpenRouter's `error_type`: one word for a failure, the same in every dialect.

Source: https://openrouter.ai/docs/api/reference/errors-and-debugging, Typed error codes (2026-08-22).
"""

from __future__ import annotations

from hexapla.errors import Kind

ERROR_TYPES: dict[Kind, str] = {
    Kind.INVALID_REQUEST: "invalid_request",
    Kind.UNSUPPORTED: "invalid_request",
    Kind.CONTEXT_LENGTH: "context_length_exceeded",
    Kind.CONTENT_FILTER: "content_policy_violation",
    Kind.CLIENT_AUTH: "authentication",
    Kind.PERMISSION: "permission_denied",
    Kind.NOT_FOUND: "not_found",
    Kind.TOO_LARGE: "payload_too_large",
    Kind.RATE_LIMIT: "rate_limit_exceeded",
    Kind.OVERLOADED: "provider_overloaded",
    Kind.TIMEOUT: "timeout",
    Kind.CANCELLED: "unmapped",
    Kind.NO_ROUTE: "provider_overloaded",
    Kind.INTERNAL: "server",
    Kind.UPSTREAM_AUTH: "authentication",
    Kind.UPSTREAM_BILLING: "payment_required",
    Kind.UPSTREAM_ERROR: "provider_unavailable",
    Kind.UPSTREAM_CONNECT: "provider_unavailable",
    Kind.UPSTREAM_TLS: "provider_unavailable",
    Kind.UPSTREAM_PROTOCOL: "provider_unavailable",
    Kind.UPSTREAM_EMPTY: "provider_unavailable",
    Kind.UPSTREAM_TRUNCATED: "provider_unavailable",
    Kind.UPSTREAM_MISCONFIGURED: "provider_unavailable",
    Kind.EGRESS_PROXY: "provider_unavailable",
}
