"""Services that search the web: exa, tavily, brave and searxng, as their own clients know them (plugins/services.py names
the sources; no service was reached).

Each knows the same pages, checks what it is asked as the service would, and answers in its own words.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "search-key"

PAGES = (
    ("https://herons.example.org/today", "Herons today", "Three herons were seen."),
    ("https://news.example.com/birds", "News of birds", "Nothing new of birds."),
    ("https://other.net/", "Other", "Something else."),
)

Answer = tuple[int, Any]
"""Status and body."""


def _exa(headers: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    if headers.get("x-api-key") != KEY:
        return 401, {"error": "Invalid API key"}
    if set(body) - {"query", "type", "numResults", "includeDomains", "excludeDomains", "contents"} or not body["query"]:
        return 400, {"error": "unknown field"}
    if "text" in body["contents"] or body["type"] != "auto":
        return 400, {"error": "bad contents"}
    results = [
        {"id": url, "url": url, "title": title, "highlights": [text, "More."], "highlightScores": [0.9, 0.1]}
        for url, title, text in PAGES[: body["numResults"]]
    ]
    return 200, {"requestId": "r", "resolvedSearchType": "neural", "results": results, "costDollars": {"total": 0.007}}


def _tavily(headers: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    if headers.get("authorization") != f"Bearer {KEY}":
        return 401, {"detail": {"error": "Unauthorized: missing or invalid API key."}}
    if len(body["query"]) > 400:
        return 400, {"detail": {"error": "Query is too long. Max query length is 400 characters."}}
    results = [
        {"url": url, "title": title, "content": text, "score": 0.5, "raw_content": None}
        for url, title, text in PAGES[: body["max_results"]]
    ]
    return 200, {"query": body["query"], "answer": None, "images": [], "results": results, "response_time": 1.1}


def _brave(headers: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    if headers.get("x-subscription-token") != KEY:
        return 422, {"type": "ErrorResponse", "error": {"code": "SUBSCRIPTION_TOKEN_INVALID", "status": 422}}
    text = query["q"]
    if len(text) > 400 or len(text.split()) > 50 or not 1 <= int(query["count"]) <= 20:
        return 422, {"type": "ErrorResponse", "error": {"code": "VALIDATION", "status": 422}}
    results = [
        {"type": "search_result", "url": url, "title": title, "description": text, "extra_snippets": ["More."]}
        for url, title, text in PAGES[: int(query["count"])]
    ]
    return 200, {"type": "search", "query": {"original": text}, "web": {"type": "search", "results": results}}


def _searxng(headers: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    if query.get("format") != "json":
        return 403, "Forbidden"
    results = [{"url": url, "title": title, "content": text, "engine": "x"} for url, title, text in PAGES]
    return 200, {"query": query["q"], "number_of_results": 0, "results": results, "answers": [], "suggestions": []}


SERVICES: dict[str, Callable[[Mapping[str, str], Mapping[str, Any], Any], Answer]] = {
    "exa": _exa,
    "tavily": _tavily,
    "brave": _brave,
    "searxng": _searxng,
}


def answer(kind: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """What the service of this kind answers to a request."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    status, said = SERVICES[kind](headers, query, json.loads(body) if body else None)
    return status, json.dumps(said).encode()


class Service:
    """A search service on a port of its own.  `kind` and `status` may change; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.kind, self.status = "exa", 0
        self.asked: list[tuple[str, bytes]] = []
        self.stuck = threading.Event()
        self.gone = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                service.asked.append((self.path, body))
                if service.status == -1:
                    service.stuck.set()
                    self.connection.settimeout(10)
                    if not self.connection.recv(1):
                        service.gone.set()
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, said = answer(service.kind, self.path, headers, body)
                if service.status:
                    status, said = service.status, b'{"error":"your question about herons was refused"}'
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_POST = _answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/search"

    @contextmanager
    def running(self) -> Iterator[Service]:
        """Serve until the end of the block."""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
