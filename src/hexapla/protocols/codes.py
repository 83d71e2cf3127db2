"""Providers' own words for what went wrong -> our kinds.

A status says little: money is refused with 402, 403, 429 or 400, a full context with 400 or 413, a busy model with 429,
498, 503 or 529.  The words in the body say it, so they are collected here, one table for each way they are spelled.

Rules of this file: data and one lookup; a word stands here only if it means one thing wherever it is seen.
"""

from __future__ import annotations

from hexapla.errors import GatewayError, Kind

WORDS: dict[str, Kind] = {
    # OpenAI, Azure, Groq, Together (https://platform.openai.com/docs/guides/error-codes, 2026-08)
    "context_length_exceeded": Kind.CONTEXT_LENGTH,
    "string_above_max_length": Kind.CONTEXT_LENGTH,
    "insufficient_quota": Kind.UPSTREAM_BILLING,
    "billing_hard_limit_reached": Kind.UPSTREAM_BILLING,
    "billing_not_active": Kind.UPSTREAM_BILLING,
    "account_deactivated": Kind.UPSTREAM_AUTH,
    "invalid_api_key": Kind.UPSTREAM_AUTH,
    "invalid_organization": Kind.UPSTREAM_AUTH,
    "unsupported_country_region_territory": Kind.PERMISSION,
    "model_not_found": Kind.NOT_FOUND,
    "DeploymentNotFound": Kind.NOT_FOUND,
    "rate_limit_exceeded": Kind.RATE_LIMIT,
    "content_filter": Kind.CONTENT_FILTER,
    "content_policy_violation": Kind.CONTENT_FILTER,
    "unsupported_parameter": Kind.UNSUPPORTED,
    "unsupported_value": Kind.UNSUPPORTED,
    "unknown_parameter": Kind.UNSUPPORTED,
    "server_is_overloaded": Kind.OVERLOADED,
    "capacity_exceeded": Kind.OVERLOADED,
    "slow_down": Kind.OVERLOADED,
    # Codex backend (codex-rs/core/src/error.rs of openai/codex, 2026-08)
    "usage_limit_reached": Kind.UPSTREAM_BILLING,
    "usage_not_included": Kind.UPSTREAM_BILLING,
    # Anthropic (https://docs.claude.com/en/api/errors, 2026-11)
    "authentication_error": Kind.UPSTREAM_AUTH,
    "billing_error": Kind.UPSTREAM_BILLING,
    "enforced_spend_limit_reached": Kind.UPSTREAM_BILLING,
    "permission_error": Kind.PERMISSION,
    "not_found_error": Kind.NOT_FOUND,
    "request_too_large": Kind.TOO_LARGE,
    "rate_limit_error": Kind.RATE_LIMIT,
    "overloaded_error": Kind.OVERLOADED,
    "timeout_error": Kind.TIMEOUT,
    # Google (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto, 2026-08)
    "RESOURCE_EXHAUSTED": Kind.RATE_LIMIT,
    "UNAUTHENTICATED": Kind.UPSTREAM_AUTH,
    "PERMISSION_DENIED": Kind.UPSTREAM_AUTH,
    "NOT_FOUND": Kind.NOT_FOUND,
    "UNAVAILABLE": Kind.OVERLOADED,
    "DEADLINE_EXCEEDED": Kind.TIMEOUT,
    "API_KEY_INVALID": Kind.UPSTREAM_AUTH,
    # Moonshot (https://platform.moonshot.ai/docs/api/chat, 2026-08)
    "invalid_authentication_error": Kind.UPSTREAM_AUTH,
    "incorrect_api_key_error": Kind.UPSTREAM_AUTH,
    "resource_not_found_error": Kind.NOT_FOUND,
    "rate_limit_reached_error": Kind.RATE_LIMIT,
    "engine_overloaded_error": Kind.OVERLOADED,
    "exceeded_current_quota_error": Kind.UPSTREAM_BILLING,
    # Mistral: flat bodies, type beside code (recorded 2026-08)
    "rate_limited": Kind.RATE_LIMIT,
    "invalid_model": Kind.NOT_FOUND,
    # DashScope (https://help.aliyun.com/zh/model-studio/error-code, 2026-08); dotted codes fall back to their first word
    "Arrearage": Kind.UPSTREAM_BILLING,
    "AllocationQuota": Kind.UPSTREAM_BILLING,
    "Throttling": Kind.RATE_LIMIT,
    "limit_requests": Kind.RATE_LIMIT,
    "DataInspectionFailed": Kind.CONTENT_FILTER,
    "data_inspection_failed": Kind.CONTENT_FILTER,
    "InvalidApiKey": Kind.UPSTREAM_AUTH,
    "ModelNotFound": Kind.NOT_FOUND,
    "ModelUnavailable": Kind.OVERLOADED,
    "ServiceUnavailable": Kind.OVERLOADED,
    # Volcano Ark (https://www.volcengine.com/docs/82379/1299023, 2026-08)
    "AuthenticationError": Kind.UPSTREAM_AUTH,
    "AccountOverdueError": Kind.UPSTREAM_BILLING,
    "QuotaExceeded": Kind.UPSTREAM_BILLING,
    "RateLimitExceeded": Kind.RATE_LIMIT,
    "ServerOverloaded": Kind.OVERLOADED,
    "InvalidEndpointOrModel": Kind.NOT_FOUND,
    "ModelNotOpen": Kind.NOT_FOUND,
    "UnsupportedModel": Kind.NOT_FOUND,
    "SensitiveContentDetected": Kind.CONTENT_FILTER,
    "InputTextSensitiveContentDetected": Kind.CONTENT_FILTER,
    "OutputTextSensitiveContentDetected": Kind.CONTENT_FILTER,
    # GitHub Copilot (src/platform/chat of microsoft/vscode-copilot-chat, 2026-08)
    "user_model_rate_limited": Kind.RATE_LIMIT,
    "user_global_rate_limited": Kind.RATE_LIMIT,
    "integration_rate_limited": Kind.RATE_LIMIT,
    "agent_mode_limit_exceeded": Kind.RATE_LIMIT,
    "model_overloaded": Kind.OVERLOADED,
    "quota_exceeded": Kind.UPSTREAM_BILLING,
    "free_quota_exceeded": Kind.UPSTREAM_BILLING,
    "overage_limit_reached": Kind.UPSTREAM_BILLING,
    "billing_not_configured": Kind.UPSTREAM_BILLING,
    # AWS Bedrock (https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, 2026-08)
    "ThrottlingException": Kind.RATE_LIMIT,
    "ServiceQuotaExceededException": Kind.RATE_LIMIT,
    "AccessDeniedException": Kind.UPSTREAM_AUTH,
    "UnrecognizedClientException": Kind.UPSTREAM_AUTH,
    "ExpiredTokenException": Kind.UPSTREAM_AUTH,
    "ResourceNotFoundException": Kind.NOT_FOUND,
    "ModelTimeoutException": Kind.TIMEOUT,
    "ModelNotReadyException": Kind.OVERLOADED,
    "ServiceUnavailableException": Kind.OVERLOADED,
    # llama.cpp server, Perplexity, text-generation-inference (recorded 2026-08)
    "exceed_context_size_error": Kind.CONTEXT_LENGTH,
    "too_many_prompt_tokens": Kind.CONTEXT_LENGTH,
    "overloaded": Kind.OVERLOADED,
    # SiliconFlow's numbers (https://docs.siliconflow.cn/cn/faqs/error-code, 2026-08)
    "20012": Kind.NOT_FOUND,
    "30001": Kind.UPSTREAM_BILLING,
    "50505": Kind.OVERLOADED,
}

VAGUE: dict[str, Kind] = {
    # words that any failure may carry: believed only where no status tells more (errors in streams and in a 200)
    "invalid_request_error": Kind.INVALID_REQUEST,
    "INVALID_ARGUMENT": Kind.INVALID_REQUEST,
    "FAILED_PRECONDITION": Kind.INVALID_REQUEST,
    "InvalidParameter": Kind.INVALID_REQUEST,
    "bad_request": Kind.INVALID_REQUEST,
    "not_found": Kind.NOT_FOUND,
    "service_unavailable": Kind.OVERLOADED,
    "timeout": Kind.TIMEOUT,
}

ZHIPU: dict[str, Kind] = {
    # error.code of Z.ai and BigModel, often under a 429 that no waiting ends
    # (https://docs.bigmodel.cn/cn/api/api-code, 2026-08)
    **dict.fromkeys(("1000", "1001", "1002", "1003", "1004", "1112", "1121"), Kind.UPSTREAM_AUTH),
    **dict.fromkeys(("1113", "1304", "1308", "1309", "1310"), Kind.UPSTREAM_BILLING),
    **dict.fromkeys(("1302", "1303", "1305", "1313"), Kind.RATE_LIMIT),
    **dict.fromkeys(("1220", "1311"), Kind.PERMISSION),
    "1211": Kind.NOT_FOUND,
    "1261": Kind.CONTEXT_LENGTH,
    "1301": Kind.CONTENT_FILTER,
    "1312": Kind.OVERLOADED,
}

MINIMAX: dict[str, Kind] = {
    # base_resp.status_code (https://platform.minimaxi.com/document/error-code, 2026-08)
    "1001": Kind.TIMEOUT,
    "1002": Kind.RATE_LIMIT,
    "1004": Kind.UPSTREAM_AUTH,
    "1008": Kind.UPSTREAM_BILLING,
    "1026": Kind.CONTENT_FILTER,
    "1027": Kind.CONTENT_FILTER,
    "1039": Kind.RATE_LIMIT,
    "2013": Kind.INVALID_REQUEST,
    "2049": Kind.UPSTREAM_AUTH,
}

STATUSES: dict[int, Kind] = {
    401: Kind.UPSTREAM_AUTH,
    402: Kind.UPSTREAM_BILLING,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    405: Kind.UPSTREAM_MISCONFIGURED,
    407: Kind.EGRESS_PROXY,
    408: Kind.TIMEOUT,
    409: Kind.UPSTREAM_ERROR,
    410: Kind.NOT_FOUND,
    413: Kind.TOO_LARGE,
    424: Kind.UPSTREAM_ERROR,
    425: Kind.UPSTREAM_ERROR,
    429: Kind.RATE_LIMIT,
    498: Kind.OVERLOADED,  # Groq: flex capacity exceeded (https://console.groq.com/docs/errors, 2026-08)
    499: Kind.UPSTREAM_ERROR,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    524: Kind.TIMEOUT,  # Cloudflare in front of many providers
    529: Kind.OVERLOADED,
}


def word_kind(word: str, table: dict[str, Kind] = WORDS) -> Kind | None:
    """The kind of a provider's word; a dotted code is also known by its first word."""
    return table.get(word) or table.get(word.partition(".")[0])


def status_kind(status: int | None) -> Kind:
    """The kind that a bare HTTP status amounts to."""
    if status is None:
        return Kind.UPSTREAM_ERROR
    if 300 <= status < 400:
        return Kind.UPSTREAM_MISCONFIGURED
    return STATUSES.get(status, Kind.INVALID_REQUEST if 400 <= status < 500 else Kind.UPSTREAM_ERROR)


def common_status(error: GatewayError) -> int:
    """The status of `error` where only HTTP's own are known: Anthropic's 529 and Groq's 498 are a 503 there."""
    return 503 if error.status in OVERLOADS else error.status


OVERLOADS = frozenset({498, 529})
"""Statuses of vendors' own for a model that is busy."""

OPENAI_KNOWS = {
    Kind.CONTEXT_LENGTH: "context_length_exceeded",
    Kind.UPSTREAM_BILLING: "insufficient_quota",
}
"""OpenAI's words that programs act on, whatever a vendor calls it: agents make a conversation shorter at the first and give
up at the second (codex-rs/codex-api/src/sse/responses.rs of openai/codex, 2026-08)."""
