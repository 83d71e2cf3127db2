"""What the gateway does beside translating: for every dialect, at vendors that search themselves and at others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.quirks import merge, target_of
from hexapla.catalog.schema import Model, Quirks
from hexapla.config import builtin_providers
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.plugins.services import Hit
from hexapla.protocols.base import Reply
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.translate.plugged import Results

REPLY = Reply(id="gen-1", created=1, model="m", include_usage=True)
WEB = {"plugins": [{"id": "web", "max_results": 2}]}
DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate")
dialects = pytest.mark.parametrize("client", DIALECTS)

URL = "https://herons.example.org/today"
LINKED = f"Three: [herons.example.org]({URL})."
HITS = Results(hits=(Hit(url=URL, title="Herons", text="Three herons."),), date="2026-11-28")
PROVIDERS = builtin_providers()


def asked(client: str, **more: Any) -> bytes:
    talk = {
        "openai_chat": {"messages": [{"role": "user", "content": "Herons?"}]},
        "openai_responses": {"input": "Herons?"},
        "anthropic_messages": {"max_tokens": 100, "messages": [{"role": "user", "content": "Herons?"}]},
        "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "Herons?"}]}]},
    }
    return json.dumps({**({} if client == "gemini_generate" else {"model": "m"}), **talk[client], **more}).encode()


def translation(client: str, results: Results | None = None, stream: bool = False, **more: Any) -> Translation:
    flag = {"stream": True} if stream and client != "gemini_generate" else {}
    peeked = peek(client, asked(client, **flag, **more), model="m", stream=stream)
    opened = Translation(peeked, REPLY)
    opened.results = results
    return opened


def lane_to(opened: Translation, provider: str, protocol: str, model: str, **more: Any) -> Lane:
    endpoint = next(each for each in PROVIDERS[provider].endpoints if each.protocol == protocol)
    quirks = merge(endpoint.quirks, model)
    return opened.open(target_of(PROVIDERS[provider], endpoint, quirks, None, model), quirks, **more)


def sent(lane: Lane) -> dict[str, Any]:
    return dict(json.loads(lane.body))


def sources(client: str, answer: Any) -> list[str]:
    """The addresses that an answer cites, in its dialect's own place."""
    if client == "openai_chat":
        return [note["url_citation"]["url"] for note in answer["choices"][0]["message"].get("annotations", [])]
    if client == "openai_responses":
        texts = [part for item in answer["output"] if item["type"] == "message" for part in item["content"]]
        return [note["url"] for part in texts for note in part["annotations"]]
    if client == "anthropic_messages":
        return [note["url"] for part in answer["content"] for note in part.get("citations") or ()]
    pages = answer["candidates"][0].get("groundingMetadata", {}).get("groundingChunks", [])
    return [page["web"]["uri"] for page in pages]


# answers of vendors that have searched

NOTE = {"type": "url_citation", "url": URL, "title": "Herons", "start_index": 7, "end_index": 60}
CITED = {"type": "web_search_result_location", "url": URL, "title": "Herons", "cited_text": "T", "encrypted_index": "E"}
ANSWERS: dict[str, dict[str, Any]] = {
    "openai_responses": {
        "id": "r",
        "object": "response",
        "status": "completed",
        "model": "x",
        "output": [
            {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}},
            {
                "type": "message",
                "id": "m",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": LINKED, "annotations": [NOTE]}],
            },
        ],
    },
    "anthropic_messages": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "x",
        "stop_reason": "end_turn",
        "content": [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            {"type": "text", "text": LINKED, "citations": [CITED]},
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2, "server_tool_use": {"web_search_requests": 1}},
    },
    "gemini_generate": {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": LINKED}]},
                "finishReason": "STOP",
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": URL, "title": "Herons"}}],
                    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 5}, "groundingChunkIndices": [0]}],
                },
            }
        ]
    },
}


def chat(*, note: bool = False, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": LINKED}
    if note:
        message |= {"annotations": [{"type": "url_citation", "url_citation": NOTE}]}
    return {"id": "c", "model": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **more}


VENDORS = [
    # provider, protocol, model, a part of what it is sent, its answer
    ("openai", "openai_responses", "gpt-5.2", '"type":"web_search"', ANSWERS["openai_responses"]),
    ("openai", "openai_chat", "gpt-4o-search-preview", '"web_search_options":{}', chat(note=True)),
    ("anthropic", "anthropic_messages", "claude-sonnet-4-5", "web_search_20250305", ANSWERS["anthropic_messages"]),
    ("gemini", "gemini_generate", "gemini-3-flash", '"googleSearch":{}', ANSWERS["gemini_generate"]),
    ("xai", "openai_responses", "grok-4.5", '"type":"web_search"', ANSWERS["openai_responses"]),
    ("perplexity", "openai_chat", "sonar-pro", '"model":"sonar-pro"', chat(citations=[URL])),
    ("bigmodel", "openai_chat", "glm-4.6", '"search_result":true', chat(web_search=[{"title": "Herons", "link": URL}])),
]


@dialects
@pytest.mark.parametrize(("provider", "protocol", "model", "part", "answer"), VENDORS, ids=lambda v: "")
def test_a_vendor_that_searches_is_asked_and_cited(
    client: str, provider: str, protocol: str, model: str, part: str, answer: dict[str, Any]
) -> None:
    """Whatever the client speaks: it is cited where the client's dialect has sources."""
    lane = lane_to(translation(client, **WEB), provider, protocol, model)
    body = lane.body.decode()
    assert part in body and "plugins" not in body
    assert not [loss for loss in lane.losses if loss.severity != "cosmetic"]
    assert sources(client, json.loads(lane.answer(json.dumps(answer).encode()))) == [URL]


@dialects
@pytest.mark.parametrize("protocol", DIALECTS)
def test_what_the_gateway_found_is_told_and_cited(client: str, protocol: str) -> None:
    """Before the question, as a user's words; a stream says it as well as a whole answer."""
    target = Target(origin=Origin(protocol, "p"), model="up")
    lane = translation(client, HITS, **WEB).open(target, Quirks())
    body = lane.body.decode()
    assert lane.name == "hub" and "Three herons." in body and URL in body and "plugins" not in body
    assert body.index(URL) < body.rindex("Herons?")
    texts = {
        "openai_chat": chat(),
        "openai_responses": json.loads(json.dumps(ANSWERS["openai_responses"]).replace(json.dumps(NOTE), "")),
        "anthropic_messages": {
            **ANSWERS["anthropic_messages"],
            "content": [{"type": "text", "text": LINKED}],
        },
        "gemini_generate": {
            "candidates": [{"content": {"role": "model", "parts": [{"text": LINKED}]}, "finishReason": "STOP"}]
        },
    }
    whole = json.dumps(texts[protocol]).encode()
    assert sources(client, json.loads(lane.answer(whole))) == [URL]
    streamed = b"".join(translation(client, HITS, stream=True, **WEB).open(target, Quirks()).simulate(whole))
    assert streamed.count(URL.encode()) > whole.count(URL.encode())


def test_a_stream_is_cited_at_the_end_of_its_text() -> None:
    """Piece by piece as it comes; the place of the link counts in the whole text."""
    opened = translation("openai_chat", HITS, stream=True, **WEB)
    stream = opened.open(Target(origin=Origin("openai_chat", "p"), model="up"), Quirks()).stream()
    said = b""
    for piece in ("Three: [herons.example.org](", URL, ")."):
        chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": piece}}]}
        said += stream.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        assert b"annotations" not in said
    said += stream.feed(
        b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    chunks = [json.loads(line[6:]) for line in said.decode().splitlines() if line.startswith("data: {")]
    notes = [note for each in chunks for c in each["choices"] for note in c["delta"].get("annotations") or ()]
    cited = notes[0]["url_citation"]
    assert LINKED[cited["start_index"] : cited["end_index"]] == f"[herons.example.org]({URL})"
    assert cited["content"] == "Three herons."


def test_a_search_is_counted_for_the_client() -> None:
    lane = lane_to(translation("openai_chat", **WEB), "anthropic", "anthropic_messages", "claude-sonnet-4-5")
    answer = json.loads(lane.answer(json.dumps(ANSWERS["anthropic_messages"]).encode()))
    assert answer["usage"]["server_tool_use"] == {"web_search_requests": 1}


def test_thinking_knows_what_was_found() -> None:
    opened = translation("openai_chat", HITS, **WEB).thinking()
    lane = opened.open(Target(origin=Origin("openai_chat", "p"), model="up"), Quirks())
    assert URL in lane.body.decode() and sent(lane)["reasoning_effort"] == "medium"


def test_online_needs_no_plugin() -> None:
    lane = lane_to(translation("openai_chat"), "openai", "openai_responses", "gpt-5.2", searching=True)
    assert sent(lane)["tools"] == [{"type": "web_search"}]


@pytest.mark.parametrize(
    ("client", "tool"),
    [
        ("anthropic_messages", {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}),
        ("openai_responses", {"type": "web_search", "external_web_access": True}),
        ("openai_chat", {"type": "openrouter:web_search", "parameters": {"max_results": 3}}),
        ("gemini_generate", {"googleSearch": {}}),
    ],
)
def test_a_tool_that_searches_becomes_the_targets_own(client: str, tool: dict[str, Any]) -> None:
    """Where the target speaks the tool's own dialect it stays as it stands."""
    for provider, protocol, model in (row[:3] for row in VENDORS[:5] if row[1] != "openai_chat"):
        body = sent(lane_to(translation(client, tools=[tool]), provider, protocol, model))
        if protocol == client and "openrouter" not in str(tool):
            assert body["tools"] == [tool]
        else:
            assert len(body["tools"]) == 1 and str(tool) not in str(body)


def test_anthropics_clients_hear_of_another_vendors_search_in_their_own_blocks() -> None:
    """Whole or streamed, behind the answer, whose sources are known only then."""
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    answer = json.dumps(ANSWERS["openai_responses"]).encode()
    lane = lane_to(translation("anthropic_messages", tools=tools), "openai", "openai_responses", "gpt-5.2")
    content = json.loads(lane.answer(answer))["content"]
    assert [block["type"] for block in content] == ["text", "server_tool_use", "web_search_tool_result"]
    assert [page["url"] for page in content[2]["content"]] == [URL] and content[1]["input"] == {"query": "Herons?"}
    streamed = translation("anthropic_messages", stream=True, tools=tools)
    said = b"".join(lane_to(streamed, "openai", "openai_responses", "gpt-5.2").simulate(answer))
    assert said.count(b"event: content_block_start") == 3 and b"web_search_tool_result" in said


def test_a_tool_that_nobody_can_serve_is_lost() -> None:
    """A vendor's own, as before; OpenRouter's is taken out where nobody has just asked anything."""
    target = Target(origin=Origin("openai_chat", "p"), model="up")
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    lane = translation("anthropic_messages", tools=tools).open(target, Quirks())
    assert [loss.field for loss in lane.losses] == ["tools[0]"]
    lane = translation("openai_chat", tools=[{"type": "openrouter:web_search"}]).open(target, Quirks())
    assert "tools" not in sent(lane)


def test_options_are_left_to_whoever_knows_them() -> None:
    """OpenAI's search models get them as they stand, unread."""
    options = {"web_search_options": {"search_context_size": "low", "user_location": None}}
    lane = lane_to(translation("openai_chat", **options), "openai", "openai_chat", "gpt-4o-search-preview")
    assert lane.name == "verbatim" and sent(lane)["web_search_options"] == options["web_search_options"]
    lane = lane_to(translation("openai_chat", **options), "anthropic", "anthropic_messages", "claude-sonnet-4-5")
    assert sent(lane)["tools"][0]["type"] == "web_search_20250305" and "web_search_options" not in sent(lane)


def test_openrouter_is_told_in_its_own_words() -> None:
    """Its own dialect unread; another dialect's client's plugins beside what was translated."""
    keep = frozenset({"plugins", "transforms"})
    lane = lane_to(translation("openai_chat", **WEB), "openrouter", "openai_chat", "x/y", keep=keep)
    assert lane.name == "verbatim" and sent(lane)["plugins"] == WEB["plugins"]
    lane = lane_to(translation("gemini_generate", **WEB), "openrouter", "openai_chat", "x/y", keep=keep)
    assert sent(lane)["plugins"] == WEB["plugins"] and lane.losses == () and "tools" not in sent(lane)
    google = translation("gemini_generate", tools=[{"googleSearch": {}}])
    assert sent(lane_to(google, "openrouter", "openai_chat", "x/y", keep=keep))["tools"] == [
        {"type": "openrouter:web_search"}
    ]


SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
HEAL = {"plugins": [{"id": "response-healing"}], "response_format": {"type": "json_object"}}
WRONG = json.dumps(
    {
        "id": "c",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "{a: 1,}"}, "finish_reason": "stop"}],
    }
)


def test_json_is_mended_where_that_is_asked_for() -> None:
    """In a whole answer that was to be JSON; a stream, and an answer in words, pass as they are."""
    target = Target(origin=Origin("openai_chat", "p"), model="up")

    def content(stream: bool = False, **more: Any) -> str:
        lane = translation("openai_chat", stream=stream, **more).open(target, Quirks())
        assert "plugins" not in sent(lane) and lane.losses == ()
        answer = json.loads(lane.answer(WRONG.encode()))
        return str(answer["choices"][0]["message"]["content"])

    assert content(**HEAL) == content(**(HEAL | {"response_format": SCHEMA})) == '{"a":1}'
    assert content(**{name: value for name, value in HEAL.items() if name == "plugins"}) == "{a: 1,}"
    assert content(response_format={"type": "json_object"}) == "{a: 1,}"
    assert content(stream=True, **HEAL) == "{a: 1,}"


@pytest.mark.parametrize("said", [{"transforms": ["middle-out"]}, {"plugins": [{"id": "context-compression"}]}])
def test_a_conversation_that_is_too_long_is_shortened_where_that_is_asked_for(said: dict[str, Any]) -> None:
    """By what the model reads; one that fits passes unread."""
    talk = [{"role": role, "content": "heron " * 200} for _ in range(9) for role in ("user", "assistant")]
    target = Target(origin=Origin("openai_chat", "p"), model="up")

    def opened(context: int | None, **more: Any) -> Lane:
        facts = Model(id="up", context=context)
        return translation("openai_chat", messages=[*talk, talk[0]], **more).open(target, Quirks(), facts=facts)

    short = opened(2000, **said)
    assert len(sent(short)["messages"]) < 12 and [loss.field for loss in short.losses] == ["messages"]
    for context, more in ((2000, {}), (None, said), (200_000, said)):
        lane = opened(context, **more)
        assert lane.name == "verbatim" and len(sent(lane)["messages"]) == 19 and lane.losses == ()
