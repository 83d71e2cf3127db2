"""The query of a list of models: OpenRouter's filters, orders and pages.

Filters that ask for what no catalogue of ours knows (benchmarks, data regions, popularity) are refused by name: a list
that ignored them would look like an answer.

Source of names and meanings: OpenRouter's OpenAPI document, GET /models (2026-11).  Ours besides: kind, free, currency.

Rules of this file: pure; a value that cannot be read is an error that names the parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from hexapla.catalog import listing
from hexapla.catalog.listing import Fits, Listed
from hexapla.errors import ClientError, Kind
from hexapla.server.shapes import architecture, released

UNKNOWN = frozenset(
    {
        "category",
        "distillable",
        "zdr",
        "region",
        "use_rss",
        "use_rss_chat_links",
        *(
            f"{end}_{index}"
            for end in ("min", "max")
            for index in ("intelligence_index", "coding_index", "agentic_index")
        ),
        "min_tool_success_rate",
        "max_tool_success_rate",
    }
)
"""Filters of OpenRouter's on facts that are known to nobody here."""

Row = TypeVar("Row")

MOST = 1000
USUAL = 500


def fits(query: Mapping[str, str], today: datetime, *, usual_outputs: str = "all") -> Fits:
    """The filters of a query as one test.  Raises ClientError for a value that cannot be read.

    usual_outputs  which output modalities are listed when the query names none
    """
    for name in UNKNOWN & query.keys():
        raise _refused(name, f"{name} asks for what this catalogue does not know.")
    tests = [make(query[name]) for name, make in FILTERS.items() if query.get(name)]
    for side, least, most in (("input", "min_price", "max_price"), ("output", "min_output_price", "max_output_price")):
        if query.get(least) or query.get(most):
            tests.append(listing.costing(side, _number(query, least), _number(query, most)))
    if query.get("min_age_days") or query.get("max_age_days"):
        tests.append(_aged(_number(query, "min_age_days"), _number(query, "max_age_days"), today))
    outputs = query.get("output_modalities") or usual_outputs
    if outputs != "all":
        tests.append(_giving(_words(outputs)))
    return listing.every((*tests, listing.sold(f"{today:%Y-%m-%d}")))


def ordered(rows: Sequence[Listed], query: Mapping[str, str]) -> list[Listed]:
    """`rows` in the order that the query asks for; unknown facts stand last."""
    sort = query.get("sort")
    if not sort:
        return list(rows)
    if sort not in ORDERS:
        raise _refused("sort", f"sort is one of {', '.join(ORDERS)}; {sort!r} is not known here.")
    key, backwards = ORDERS[sort]
    known = [row for row in rows if key(row) is not None]
    known.sort(key=lambda row: key(row) or 0.0, reverse=backwards)
    return [*known, *(row for row in rows if key(row) is None)]


def paged(rows: Sequence[Row], query: Mapping[str, str], path: str) -> tuple[Sequence[Row], str | None]:
    """One page, and the next one's address; everything when neither offset nor limit is given."""
    if "offset" not in query and "limit" not in query:
        return rows, None
    start = _whole(query, "offset", 0, least=0)
    count = min(_whole(query, "limit", USUAL, least=1), MOST)
    after = start + count
    following = f"{path}?{urlencode({**query, 'offset': after, 'limit': count})}" if after < len(rows) else None
    return rows[start:after], following


def after_id(rows: Sequence[Listed], query: Mapping[str, str], default: int = MOST) -> tuple[Sequence[Listed], bool]:
    """A page of Anthropic's: `limit` rows behind `after_id` or before `before_id`, and whether there are more."""
    count = min(_whole(query, "limit", default, least=1), MOST)
    names = [row.name for row in rows]
    if before := query.get("before_id"):
        end = _place(names, before, "before_id")
        return rows[max(0, end - count) : end], end > count
    start = _place(names, query["after_id"], "after_id") + 1 if query.get("after_id") else 0
    return rows[start : start + count], start + count < len(rows)


def by_token(rows: Sequence[Listed], query: Mapping[str, str]) -> tuple[Sequence[Listed], str]:
    """A page of Google's: `pageSize` rows from `pageToken`, and the next token or ""."""
    count = min(_whole(query, "pageSize", MOST, least=1), MOST)
    start = _whole(query, "pageToken", 0, least=0)
    return rows[start : start + count], str(start + count) if start + count < len(rows) else ""


def _place(names: Sequence[str], name: str, parameter: str) -> int:
    if name not in names:
        raise _refused(parameter, f"{parameter} names no model of this list: {name[:200]!r}.")
    return names.index(name)


def _taking(wanted: Iterable[str]) -> Fits:
    words = frozenset(wanted)
    return lambda row: words <= frozenset(architecture(row)["input_modalities"])


def _giving(wanted: Iterable[str]) -> Fits:
    words = frozenset(wanted)
    return lambda row: bool(words & frozenset(architecture(row)["output_modalities"]))


def _understanding(wanted: Iterable[str]) -> Fits:
    words = frozenset(wanted)
    return lambda row: words <= frozenset(listing.parameters(row.provider, row.model))


def _made_by(authors: Iterable[str]) -> Fits:
    wanted = {author.lower() for author in authors}
    return lambda row: row.author.lower() in wanted


def _of_family(family: str) -> Fits:
    return lambda row: row.family.lower() == family.lower()


def _aged(least: float | None, most: float | None, today: datetime) -> Fits:
    def fits(row: Listed) -> bool:
        if not row.model.released:
            return False
        days = (today - released(row.model)).days
        return (least is None or days >= least) and (most is None or days <= most)

    return fits


def _words(text: str) -> list[str]:
    return [word for word in (each.strip() for each in text.split(",")) if word]


def _context(text: str) -> Fits:
    return listing.context_from(_whole({"context": text}, "context", 0, least=1))


def _free(text: str) -> Fits:
    return listing.free if text == "true" else lambda row: not row.model.free


FILTERS: dict[str, Callable[[str], Fits]] = {
    "q": listing.named_like,
    "providers": lambda text: listing.at_provider(_words(text)),
    "model_authors": lambda text: _made_by(_words(text)),
    "arch": _of_family,
    "supported_parameters": lambda text: _understanding(_words(text)),
    "input_modalities": lambda text: _taking(_words(text)),
    "context": _context,
    "kind": lambda text: listing.of_kind(_words(text)),
    "currency": lambda text: listing.billed_in(text.upper()),
    "free": _free,
}


def _rate(row: Listed) -> float | None:
    return 0.0 if row.model.free else row.model.price.input if row.model.price is not None else None


def _read(row: Listed) -> float | None:
    return row.model.context


def _day(row: Listed) -> float | None:
    return released(row.model).timestamp() if row.model.released else None


ORDERS: dict[str, tuple[Callable[[Listed], float | None], bool]] = {
    "pricing-low-to-high": (_rate, False),
    "pricing-high-to-low": (_rate, True),
    "context-high-to-low": (_read, True),
    "newest": (_day, True),
}


def _number(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise _refused(name, f"{name} is a number, not {text[:50]!r}.") from None


def _whole(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) < least:
        raise _refused(name, f"{name} is a whole number from {least}, not {text[:50]!r}.")
    return int(text)


def _refused(name: str, message: str) -> ClientError:
    return ClientError(Kind.INVALID_REQUEST, message, param=name)


def today() -> datetime:
    """The day, in UTC."""
    return datetime.now(UTC)
