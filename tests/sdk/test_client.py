"""The library asks through the same engine as the server: the seed's examples, against the built-in demo provider."""

from __future__ import annotations

import asyncio
import base64
import functools
import gc
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import pytest

import hexapla
from hexapla.config import Config, LedgerConfig, assemble, parse_config
from hexapla.errors import ClientError, GatewayError, Kind
from hexapla.sdk.tools import ToolBox, describe

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SCENARIOS = """
ledger = { path = ":memory:" }
[aliases]
fast = "demo/echo"
smart = "demo/slow"
[providers.dead]
auth = { kind = "none" }
[[providers.dead.endpoints]]
protocol = "openai_chat"
base_url = "http://127.0.0.1:1/v1"
"""


@pytest.fixture
def client() -> Iterator[hexapla.Client]:
    config = parse_config(SCENARIOS, "hexapla.toml", {})
    with hexapla.Client(config) as opened:
        yield opened


def test_chat_answers_as_text_with_its_story(client: hexapla.Client) -> None:
    """An answer is a string, and knows who gave it, at what use."""
    answer = client.chat("What is an API?", model="demo/echo")
    assert answer == "You said: What is an API?"
    assert answer.provider == "demo" and answer.stop == "stop"
    assert answer.usage.output == 6 and answer.losses == ()
    assert answer.id.startswith("gen-")


def test_scenarios_are_models(client: hexapla.Client) -> None:
    """`fast` is the default and `smart` a name like any other."""
    assert client.chat("x").model == "echo"
    assert client.chat("x", model="smart").model == "slow"


def test_chat_streams_pieces_that_add_up(client: hexapla.Client) -> None:
    """The pieces of a stream are the answer, and the whole stands behind them."""
    stream = client.chat_stream("one two three")
    pieces = list(stream)
    assert len(pieces) > 3 and "".join(pieces) == "You said: one two three"
    assert stream.answer == "You said: one two three" and stream.answer.usage.output == 5


def test_system_prompts_and_parameters_travel(client: hexapla.Client) -> None:
    """max_tokens stops the answer, and says so."""
    answer = client.chat("one two three", system="Be brief", max_tokens=2)
    assert answer.stop == "length" and answer == "You said: "


def test_an_answer_goes_on_in_the_next_question(client: hexapla.Client) -> None:
    """As a turn with its thought, or as the text that it is."""
    answer = client.chat("Hello", model="demo/echo", reasoning_effort="high")
    turn = answer.message
    assert turn["role"] == "assistant" and turn["content"] == answer
    assert answer.reasoning and answer.reasoning in str(turn)
    question = [{"role": "user", "content": "Hello"}, turn, {"role": "user", "content": answer}]
    assert str(answer) in client.chat(question, model="demo/echo")


def test_fallback_models_answer_when_the_first_fails(client: hexapla.Client) -> None:
    """A dead provider is not noticed when another model is named."""
    answer = client.chat("Hello", model="dead/model", fallback_models=["demo/echo"])
    assert answer == "You said: Hello" and answer.provider == "demo"


@pytest.mark.parametrize("form", ["path", "bytes", "url", "data"])
def test_images_from_anywhere(client: hexapla.Client, tmp_path: Path, form: str) -> None:
    """A path, bytes, a URL and a data: URL all reach the model as one image."""
    file = tmp_path / "dot.png"
    file.write_bytes(PNG)
    data = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    image = {"path": file, "bytes": PNG, "url": "https://example.org/dot.png", "data": data}[form]
    assert client.chat_with_image("What is this?", image) == "You said: What is this? [image]"


def test_a_file_that_is_no_image_is_refused(client: hexapla.Client, tmp_path: Path) -> None:
    """The mistake is told before anything is sent."""
    file = tmp_path / "note.txt"
    file.write_text("no image")
    with pytest.raises(ClientError, match="not a PNG"):
        client.chat_with_image("x", file)
    with pytest.raises(ClientError, match="cannot be read"):
        client.chat_with_image("x", tmp_path / "missing.png")


def test_functions_are_tools(client: hexapla.Client) -> None:
    """The model calls a plain function, reads its result and answers."""

    def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> dict[str, object]:
        """Tell the weather of a city."""
        return {"city": city, "degrees": 21, "unit": unit}

    answer = client.chat_with_tools("Paris", [get_weather])
    assert answer == 'The tool answered: {"city":"Paris","degrees":21,"unit":"celsius"}'


def test_schemas_with_functions_are_tools(client: hexapla.Client) -> None:
    """Tools given as schemas are run by name, as in the OpenAI shape."""
    schema = describe(_add) | {}
    answer = client.chat_with_tools("x", [schema], functions={"_add": lambda a, b: a + b})
    assert answer == "The tool answered: 2"


def _add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Weather:
    """Tell the weather of a city."""

    unit: str = "celsius"

    async def __call__(self, city: str) -> str:
        return f"{city}: 21 {self.unit}"


def test_partials_and_objects_are_tools(client: hexapla.Client) -> None:
    """What a partial has bound is not the model's to give; an object goes by its class."""
    add = describe(functools.partial(_add, b=2))["function"]
    assert (add["name"], add["description"]) == ("_add", "Add two numbers.")
    assert add["parameters"]["properties"] == {"a": {"type": "integer"}} and add["parameters"]["required"] == ["a"]
    weather = describe(functools.partial(Weather()))["function"]
    assert (weather["name"], weather["description"]) == ("Weather", "Tell the weather of a city.")
    assert weather["parameters"]["properties"] == {"city": {"type": "string"}}

    async def play() -> list[str]:
        box = ToolBox([functools.partial(_add, b=2), Weather()])
        return [
            await box.run("_add", '{"a": 1}'),
            await box.run("_add", '{"a": 1, "b": 9}'),
            await box.run("Weather", '{"city": "Rome"}'),
        ]

    fine, bound, told = asyncio.run(play())
    assert fine == "3" and "unknown parameters: b" in bound and told == "Rome: 21 celsius"
    assert client.chat_with_tools("x", [functools.partial(_add, 5)]) == "The tool answered: 6"


def test_a_function_may_take_any_name() -> None:
    """Who has schemas already runs them by `**kwargs`."""

    def anything(*rest: str, first: int = 1, **others: Any) -> dict[str, Any]:
        return {"first": first, **others}

    said = describe(anything)["function"]["parameters"]
    assert said["properties"].keys() == {"first"} and said["required"] == [] and said["additionalProperties"] is True
    schema = {"type": "function", "function": {"name": "any", "parameters": {"type": "object"}}}
    box = ToolBox([schema], {"any": anything})
    assert json.loads(asyncio.run(box.run("any", '{"city": "Paris", "first": "2"}'))) == {"first": 2, "city": "Paris"}


def test_one_fallback_may_be_a_word(client: hexapla.Client) -> None:
    assert client.chat("x", model="demo/error-503", fallback_models="demo/echo") == "You said: x"


def test_partials_of_one_function_need_names_of_their_own() -> None:
    one, two = functools.partial(_add, b=1), functools.partial(_add, b=2)
    with pytest.raises(ClientError, match=r"'_add' cannot be used: another tool has this name. Set another `__name__`"):
        ToolBox([one, two])
    two.__name__ = "add_two"  # type: ignore[attr-defined]
    assert [schema["function"]["name"] for schema in ToolBox([one, two]).schemas] == ["_add", "add_two"]


def test_a_tool_that_cannot_be_read_says_what_to_do(client: hexapla.Client) -> None:
    """No signature, no function at all: an error of the one tree; the way that it names works."""
    with pytest.raises(ClientError, match=r"'max' cannot be used: .* Give its schema as a dict in `tools`"):
        client.chat_with_tools("x", [max])
    with pytest.raises(ClientError, match="'get_weather' cannot be used: it is neither a function nor a schema"):
        client.chat_with_tools("x", ["get_weather"])  # type: ignore[list-item]
    with pytest.raises(ClientError, match=r"'_add' cannot be used: nothing runs it\. Give its function by this name"):
        client.chat_with_tools("x", [describe(_add)])
    with pytest.raises(ClientError, match="'<lambda>' cannot be used: it has no name"):
        client.chat_with_tools("x", [lambda a: a])
    with pytest.raises(ClientError, match="'divmod' cannot be used: its parameter 'x' cannot be given by name"):
        client.chat_with_tools("x", [divmod])
    schema = {**describe(_add), "function": {**describe(_add)["function"], "name": "dict"}}
    assert client.chat_with_tools("x", [schema], functions={"dict": dict}) == 'The tool answered: {"a":1,"b":1}'


@pytest.mark.parametrize("prompt", [None, 7, b"hi", {"role": "user", "content": "hi"}, ["hi"], [None]])
def test_what_is_no_prompt_is_refused_as_such(client: hexapla.Client, prompt: Any) -> None:
    """Wrong types are the caller's mistake, and typed as one."""
    for ask in (client.chat, client.chat_stream, lambda given: client.chat_with_tools(given, [_add])):
        with pytest.raises(GatewayError) as caught:
            list(ask(prompt))
        assert caught.value.kind is Kind.INVALID_REQUEST


def test_what_is_no_json_is_refused_as_such(client: hexapla.Client) -> None:
    with pytest.raises(ClientError, match=r"cannot be written as JSON: .*object"):
        client.chat("hi", metadata=object())
    with pytest.raises(ClientError, match=r"A prompt is text or a list of messages such as .*, not NoneType"):
        client.chat(None)  # type: ignore[arg-type]


def test_a_stream_is_asked_for_by_its_name(client: hexapla.Client) -> None:
    with pytest.raises(ClientError, match="`chat_stream` is for streams"):
        client.chat("hi", stream=True)


def test_tool_loops_end(client: hexapla.Client) -> None:
    """A model that never stops calling tools is stopped by the limit."""
    with pytest.raises(GatewayError, match="after 0 rounds") as caught:
        client.chat_with_tools("x", [_add], max_iterations=0)
    assert caught.value.kind is Kind.TIMEOUT


def test_a_model_is_made_to_call_once(tmp_path: Path) -> None:
    """A choice that forces a call would force one for ever."""
    chosen: list[object] = []

    class Watched(hexapla.AsyncClient):
        async def chat(self, *arguments: Any, **options: Any) -> hexapla.Answer:
            chosen.append(options.get("tool_choice"))
            return await super().chat(*arguments, **options)

    async def play(choice: str) -> None:
        async with Watched(tmp_path / "hexapla.toml", model="demo/echo") as client:
            assert await client.chat_with_tools("x", [_add], tool_choice=choice) == "The tool answered: 2"

    (tmp_path / "hexapla.toml").write_text("")
    asyncio.run(play("required"))
    asyncio.run(play("auto"))
    assert chosen == ["required", "auto", "auto", "auto"]


def test_errors_keep_kind_and_words(client: hexapla.Client) -> None:
    """What the provider refused is raised with its status and message."""
    with pytest.raises(GatewayError, match="asked to fail") as caught:
        client.chat("x", model="demo/error-429")
    assert caught.value.status == 429 and caught.value.kind is Kind.RATE_LIMIT
    with pytest.raises(GatewayError, match="not known"):
        client.chat("x", model="nobody/nothing")
    with pytest.raises(GatewayError, match="asked to fail"):
        list(client.chat_stream("x", model="demo/error-400"))


def test_bad_tool_calls_are_told_to_the_model() -> None:
    """Unknown tools, arguments that do not fit and exceptions become results, not crashes."""

    def boom() -> None:
        raise ValueError("no")

    async def slow(n: int) -> int:
        return n + 1

    def odd() -> str:
        return "half a character: \ud83d"

    async def play() -> list[str]:
        box = ToolBox([_add, boom, slow, odd])
        return [
            await box.run("nope", "{}"),
            await box.run("_add", '{"a": "x", "b": 1}'),
            await box.run("_add", '{"a": 1}'),
            await box.run("_add", '{"a": 1, "b": 2, "c": 3}'),
            await box.run("boom", ""),
            await box.run("slow", '{"n": 1}'),
            await box.run("odd", ""),
        ]

    unknown, wrong, missing, extra, raised, fine, half = asyncio.run(play())
    assert "no tool named 'nope'" in unknown and "do not fit" in wrong
    assert "missing parameters: b" in missing and "unknown parameters: c" in extra
    assert raised == "Error: ValueError: no" and fine == "2" and half == "half a character: ?"


def test_async_client_is_the_same() -> None:
    """The asynchronous client answers, streams and runs tools alike."""

    async def play() -> tuple[str, str]:
        config = Config(ledger=LedgerConfig(path=":memory:"))
        async with hexapla.AsyncClient(config, model="demo/echo") as client:
            stream = client.chat_stream("hi there")
            pieces = [piece async for piece in stream]
            return await client.chat("hi"), "".join(pieces)

    assert asyncio.run(play()) == ("You said: hi", "You said: hi there")


class _Hello(BaseHTTPRequestHandler):
    """An upstream that keeps its connections."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}]}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # whoever ends a loop leaves its sockets to the collector
def test_an_async_client_outlives_its_loop() -> None:
    """`asyncio.run` twice: the connection that the first loop kept, and its timers, are not waited for in the second."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        config = parse_config(SCENARIOS.replace("127.0.0.1:1/", f"127.0.0.1:{upstream.server_port}/"), "h.toml", {})
        client = hexapla.AsyncClient(config, model="dead/m")
        assert [asyncio.run(client.chat("hi")) for _ in range(2)] == ["Hello.", "Hello."]
        asyncio.run(client.aclose())
        upstream.shutdown()
    gc.collect()


def test_one_async_client_serves_one_loop() -> None:
    """Two loops at once are refused, since each would wait for what the other is told."""

    async def play() -> None:
        async with hexapla.AsyncClient(Config(ledger=LedgerConfig(path=":memory:")), model="demo/echo") as client:
            await client.chat("hi")
            with pytest.raises(RuntimeError, match="another event loop"):
                await asyncio.to_thread(asyncio.run, client.chat("hi"))

    asyncio.run(play())


def test_a_closed_client_says_so() -> None:
    client = hexapla.Client(Config(ledger=LedgerConfig(path=":memory:")))
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="client is closed"):
        client.chat("hi", model="demo/echo")


def test_leaving_a_stream_early_stops_the_upstream() -> None:
    """Breaking out of a stream cancels its request; nothing is left running."""

    async def play() -> int:
        config = Config(ledger=LedgerConfig(path=":memory:"))
        async with hexapla.AsyncClient(config, model="demo/slow") as client:
            pieces = aiter(client.chat_stream("a b c d e f"))
            await anext(pieces)
            await pieces.aclose()  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
            return client._gateway.running

    assert asyncio.run(play()) == 0


def test_a_stream_that_nobody_reads_stops_the_upstream() -> None:
    """Forgetting a stream before its first piece is leaving as well."""

    async def play() -> tuple[int, int]:
        config = Config(ledger=LedgerConfig(path=":memory:"))
        async with hexapla.AsyncClient(config, model="demo/slow") as client:
            stream = client.chat_stream("a b c d e f " * 50)
            await asyncio.sleep(0)
            before = client._gateway.running
            del stream
            for _ in range(10):
                await asyncio.sleep(0)
            return before, client._gateway.running

    assert asyncio.run(play()) == (1, 0)


def test_no_configuration_is_needed() -> None:
    """The built-in catalogue alone knows the demo."""
    assert "demo" in assemble(Config(), {}).catalog.providers


BROKEN = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'


class Breaks(BaseHTTPRequestHandler):
    """Begins to say hello, and falls silent for good."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(BROKEN)

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("language", "variable", "chinese"),
    [("zh", "", True), ("zh-TW", "en", True), (None, "zh_CN.UTF-8", True), ("en", "zh", False), (None, "", False)],
)
def test_exceptions_in_chinese(
    language: str | None, variable: str, chinese: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is asked for: of a model that is not there, of one that fails, and of a stream that breaks."""
    monkeypatch.setenv("HEXAPLA_LANG", variable)
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaks) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = SCENARIOS.replace("127.0.0.1:1/", f"127.0.0.1:{server.server_port}/")
        with hexapla.Client(parse_config(text, "hexapla.toml", {}), language=language) as client:
            said = []
            for ask in (
                lambda: client.chat("Hello", model="nobody-knows-it"),
                lambda: client.chat("Hello", model="openai/gpt-4o"),
                lambda: "".join(client.chat_stream("Hello", model="dead/m")),
            ):
                with pytest.raises(GatewayError) as caught:
                    ask()
                said.append(caught.value.message)
        server.shutdown()
    assert [any("\u4e00" <= sign <= "\u9fff" for sign in message) for message in said] == [chinese] * 3, said
