"""What a key has spent, as OpenRouter tells it: GET /key, /credits, /activity.

Shapes: OpenRouter's OpenAPI document and its SDK (openrouter-python 1.3.84, 2026-11), which takes an answer without one of
these fields for none.  What has no meaning in a gateway of one's own is null, or -1 where a number must stand that limits
nothing.  Days are UTC's, weeks begin on Monday.

Rules of this file: amounts are dollars, other currencies by the rates of `[routing] usd`; the ledger is asked on a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hexapla.engine.gateway import Gateway
from hexapla.engine.story import shown
from hexapla.errors import ClientError, Kind
from hexapla.ledger import Ledger
from hexapla.ledger.store import UsageRow
from hexapla.server.keys import KeyRing
from hexapla.server.views import answer

Json = dict[str, Any]

DAYS = 30  # that /activity looks back, today not counted
DAY = timedelta(days=1)

NOBODY = ("creator_user_id", "organization_id", "workspace_id", "effective_budget", "limit_reset", "expires_at")
UNLIMITED = {"limit": -1, "remaining": -1, "used": 0}


class Account:
    """The views, bound to one gateway."""

    def __init__(self, gateway: Gateway, keys: KeyRing) -> None:
        self._gateway = gateway
        self._keys = keys

    async def key(self, request: Request) -> Response:
        """The caller's key."""
        name = self._keys.name(request.headers.raw)
        today = self._today()
        spans = {
            "usage": None,
            "usage_daily": today,
            "usage_weekly": today - DAY * today.weekday(),
            "usage_monthly": today.replace(day=1),
        }
        usage = {field: await self._spent(name, since) for field, since in spans.items()}
        return _data(
            {
                "label": name,
                **usage,
                **{f"byok_{field}": 0.0 for field in usage},
                "limit": None,
                "limit_remaining": None,
                "include_byok_in_limit": False,
                "is_free_tier": False,
                "is_management_key": False,
                "is_provisioning_key": False,
                "allowed_data_regions": [],
                "budgets": [],
                "free_model_daily_requests": UNLIMITED,
                "rate_limit": {"requests": -1, "interval": "10s", "note": "This field is deprecated."},
                **dict.fromkeys(NOBODY),
            }
        )

    async def credits(self, request: Request) -> Response:
        """What was spent; nothing is bought here."""
        name = self._keys.name(request.headers.raw)
        return _data({"total_credits": 0, "total_usage": await self._spent(name, None)})

    async def activity(self, request: Request) -> Response:
        """Each day of the last month, by model and provider; `date`: that day alone."""
        name = self._keys.name(request.headers.raw)
        first, last = self._today() - DAY * DAYS, self._today()
        if date := request.query_params.get("date"):
            first = last = _day(date)
        names = {each.id: shown(each) for each in self._gateway.routes.catalog.providers.values()}
        found = await asyncio.to_thread(self._days, name or None, first, last + DAY, names)
        return _data(found)

    def _days(self, key: str | None, first: datetime, end: datetime, names: Mapping[str, str]) -> list[Json]:
        ledger = self._gateway.books.ledger
        return [
            _item(day, provider, row, names.get(provider, provider), self._dollars([row]))
            for day, provider, row in _rows(ledger, key, first, end)
        ]

    async def _spent(self, key: str, since: datetime | None) -> float:
        start = since.timestamp() if since is not None else 0.0
        return self._dollars(await self._gateway.books.ledger.usage_async(start, key=key or None, group_by="key"))

    def _dollars(self, rows: Iterable[UsageRow]) -> float:
        usd = self._gateway.config.routing.usd
        costs = ((cost, 1.0 if cost.currency == "USD" else usd.get(cost.currency)) for row in rows for cost in row.cost)
        return sum((cost.nanos / 1e9 / rate for cost, rate in costs if rate), 0.0)

    def _today(self) -> datetime:
        now = datetime.fromtimestamp(self._gateway.books.wall(), UTC)
        return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _rows(ledger: Ledger, key: str | None, first: datetime, end: datetime) -> Iterator[tuple[datetime, str, UsageRow]]:
    """(day, provider, a model's sums), the latest day first."""
    for each in reversed(ledger.usage(first.timestamp(), end.timestamp(), group_by="day", key=key)):
        day = _day(each.group)
        span = day.timestamp(), (day + DAY).timestamp()
        for provider in ledger.usage(*span, group_by="provider", key=key):
            for row in ledger.usage(*span, group_by="model", key=key, provider=provider.group):
                yield day, provider.group, row


def _item(day: datetime, provider: str, row: UsageRow, name: str, dollars: float) -> Json:
    model = f"{provider}/{row.group}"
    return {
        "date": f"{day:%Y-%m-%d}",
        "model": model,
        "model_permaslug": model,
        "endpoint_id": model,
        "provider_name": name,
        "usage": dollars,
        "byok_usage_inference": 0.0,
        "requests": row.requests,
        "prompt_tokens": row.input,
        "completion_tokens": row.output,
        "reasoning_tokens": row.reasoning,
        "cached_tokens": row.cached,
    }


def _day(text: str) -> datetime:
    """Raises ClientError for what is no day."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        message = f"date is a day as 2026-11-28, not {text[:50]!r}."
        raise ClientError(Kind.INVALID_REQUEST, message, param="date") from None


def _data(data: object) -> Response:
    return answer({"data": data})
