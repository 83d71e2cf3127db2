"""Lists of models and questions, each refused in its own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doctor.vendor import KEY, Body, Vendor, called, refused, said, streamed, visit


def when(field: str, answer: tuple[int, Any]) -> Callable[[Body], tuple[int, Any]]:
    """Answer so where the question has this field, and well where it has not."""
    return lambda body: answer if body.get(field) else (200, None)


def always(status: int, message: str, code: str = "") -> Callable[[Body], tuple[int, Any]]:
    return lambda body: (status, refused(message, code))


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key(status: int) -> None:
    """The list tells; the model is not asked; the vendor's echo of the key is not repeated."""
    vendor = Vendor(listing=(status, refused(f"Incorrect API key provided: {KEY}", "invalid_api_key"), {}))
    found = visit(vendor)
    assert found.code("models") == "upstream_auth" and "key 1" in found.cause("models")
    assert found.code("call") == "skipped" and not vendor.asked
    assert KEY not in repr(found)


def test_one_of_two_keys_is_refused() -> None:
    """Each key is tried; the other one goes on."""
    vendor = Vendor()

    async def listed(request: Any) -> Any:
        vendor.keys.append(request.headers["authorization"])
        good = vendor.keys[-1].endswith("good-0123456789")
        vendor.listing = (200, {"data": [{"id": "tiny"}]}, {}) if good else (401, refused("no"), {})
        return await Vendor._models(vendor, request)

    vendor._models = listed  # type: ignore[method-assign]
    found = visit(vendor, auth='{ keys = ["bad-0123456789", "good-0123456789"] }')
    codes = [finding.code for finding in found.findings if finding.check == "models"]
    assert codes == ["upstream_auth", "models.listed"] and found["call"].verdict == "ok"


def test_standing_wishes_rule_nobody_out() -> None:
    """Whoever the configuration routes around can be examined all the same, and alone."""
    wishes = '[routing]\nprovider = { ignore = ["own"] }\n[chains]\n"own/tiny" = ["demo/echo"]\n'
    vendor = Vendor(chat=always(500, "Something broke"))
    assert visit(vendor, more=wishes)["call"].verdict == "fail"


def test_one_of_two_keys_is_no_key() -> None:
    """The other one is tried all the same."""
    found = visit(Vendor(), auth='{ keys = ["changeme", "good-0123456789"] }')
    assert found.code("key") == "key.placeholder" and found["call"].verdict == "ok"


def test_a_key_that_may_not_list() -> None:
    """A restricted key may still be good for questions."""
    found = visit(Vendor(listing=(403, refused("Missing scopes: api.model.read", "insufficient_permissions"), {})))
    assert found["models"].verdict == "warn" and found.code("models") == "permission"
    assert found.code("model") == "model.unknown"
    found = visit(Vendor(listing=(403, refused("Missing scopes: api.model.read"), {})), model="own/tiny")
    assert found.code("model") == "model.assumed" and found["call"].verdict == "ok"


def test_a_provider_without_a_list() -> None:
    found = visit(Vendor(listing=(404, {}, {})), model="own/tiny")
    assert found["models"].verdict == "skip" and found.code("models") == "models.none"
    assert found["call"].verdict == "ok"


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"id": "tiny"}]},
        [{"id": "tiny", "type": "chat"}],
        {"models": [{"name": "models/tiny"}]},
        {"models": [{"name": "tiny", "model": "tiny"}], "data": None},
    ],
    ids=["openai", "together", "gemini", "ollama"],
)
def test_shapes_of_lists(body: Any) -> None:
    found = visit(Vendor(listing=(200, body, {})))
    assert found.code("model") == "model.listed" and found["model"].facts == {"model": "tiny"}


def test_an_address_that_answers_with_a_page() -> None:
    """A web page instead of a list: the base URL is probably wrong."""
    found = visit(Vendor(listing=(200, b"<html>Welcome</html>", {"content-type": "text/html"})), model="own/tiny")
    assert found.code("models") == "models.strange" and "text/html" in found.cause("models")
    assert "/v1" in found.remedy("models")


def test_an_address_that_has_moved() -> None:
    """A redirect is shown without its query, and never followed."""
    found = visit(Vendor(listing=(308, {}, {"location": "https://new.example/v1/models?token=hidden"})))
    assert found["models"].verdict == "fail" and "https://new.example/v1/models" in found.cause("models")
    assert "hidden" not in repr(found) and found.code("call") == "skipped"


def test_a_model_that_is_not_listed() -> None:
    """The nearest name is offered; nothing is asked."""
    vendor = Vendor(listing=(200, {"data": [{"id": "qwen3-coder"}, {"id": "other"}]}, {}))
    found = visit(vendor, model="own/qwen3-codr")
    assert found["model"].verdict == "fail" and "qwen3-coder" in found.remedy("model")
    assert "qwen3-coder" in found.remedy("model", "zh") and not vendor.asked


@pytest.mark.parametrize("name", ["claude-x", "claude-x-latest", "claude-x-20260101", "claude-x-20260101:free"])
def test_moving_names_are_listed_by_their_dates(name: str) -> None:
    found = visit(Vendor(listing=(200, {"data": [{"id": "claude-x-20260101"}]}, {})), model=f"own/{name}")
    assert found.code("model") == "model.listed"


def test_a_model_that_does_not_exist() -> None:
    """Without a list, the question finds out."""
    vendor = Vendor(listing=(404, {}, {}), chat=always(404, "The model `tiny` does not exist", "model_not_found"))
    found = visit(vendor, model="own/tiny")
    assert found.code("call") == "not_found" and "does not exist" in found.cause("call")
    assert found.code("stream") == found.code("tools") == "skipped" and len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (402, "Insufficient balance", "upstream_billing"),
        (429, "Too many requests", "rate_limit"),
        (429, "You exceeded your current quota, please check your plan and billing details.", "upstream_billing"),
        (503, "The server is overloaded", "overloaded"),
        (500, "Something broke", "upstream_error"),
        (422, "temperature: unknown field", "unsupported_parameter"),
    ],
)
def test_why_a_question_is_refused(status: int, message: str, code: str) -> None:
    """Asked once, with no second try; the vendor's words stand in the cause."""
    vendor = Vendor(chat=always(status, message))
    found = visit(vendor)
    assert (found["call"].verdict, found.code("call")) == ("fail", code) and len(vendor.asked) == 1
    assert message.rstrip(".") in found.cause("call") and found.remedy("call") and found.remedy("call", "zh")


def test_a_key_in_the_vendors_words_is_not_repeated() -> None:
    found = visit(Vendor(chat=always(400, f"Bad header: Bearer {KEY}")))
    assert "Bad header: Bearer ***" in found.cause("call") and KEY not in repr(found)


def test_an_answer_that_is_none() -> None:
    found = visit(Vendor(chat=lambda body: (200, b"<html>hello</html>")))
    assert found.code("call") == "upstream_protocol"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, refused("stream is not supported by this model")), "other"),
        ((200, b"<html>no stream here</html>"), "upstream_protocol"),
        ((200, streamed("rea", end=False)), "upstream_truncated"),
    ],
    ids=["refused", "page", "cut"],
)
def test_no_stream(answer: tuple[int, Any], code: str) -> None:
    """The whole answer works, the stream does not; tools are tried all the same."""
    found = visit(Vendor(chat=when("stream", answer)))
    assert (found["call"].verdict, found["stream"].verdict, found["tools"].verdict) == ("ok", "fail", "ok")
    assert found.code("stream") == code


def test_tools_are_refused() -> None:
    answer = (400, refused("This model does not support tools"))
    found = visit(Vendor(chat=when("tools", answer)))
    assert found["tools"].verdict == "fail" and "does not support tools" in found.cause("tools")
    assert found["stream"].verdict == "ok"


@pytest.mark.parametrize(
    ("answer", "code"),
    [(said("I would call report."), "tools.talk"), (called("report", '{"word": '), "tools.garbled")],
)
def test_tools_are_not_understood(answer: Body, code: str) -> None:
    """A model that talks about its tool, and one that cannot write JSON: agents will not get on with them."""
    found = visit(Vendor(chat=when("tools", (200, answer))))
    assert (found["tools"].verdict, found.code("tools")) == ("warn", code) and "tiny" in found.cause("tools")


def test_the_catalogue_knows_who_calls_no_tools() -> None:
    vendor = Vendor()
    facts = '[[models.own]]\nid = "tiny"\ncapabilities = ["vision"]'
    found = visit(vendor, more=facts)
    assert found.code("tools") == "tools.untaught" and len(vendor.asked) == 2


def test_the_model_that_is_asked_is_cheap_and_calls_tools() -> None:
    """Of the listed ones; what nobody sells is asked last."""
    vendor = Vendor(listing=(200, {"data": [{"id": name} for name in ("dear", "cheap", "mute", "text-embed")]}, {}))
    facts = "".join(
        f'[[models.own]]\nid = "{name}"\ncapabilities = {tools}\nprice = {{ output = {price} }}\n'
        for name, tools, price in (
            ("dear", '["tools"]', 9),
            ("cheap", '["tools"]', 2),
            ("mute", '["vision"]', 1),
            ("gone", '["tools"]', 0.1),
        )
    )
    visit(vendor, more=facts)
    assert {body["model"] for body in vendor.asked} == {"cheap"}


def test_a_key_from_a_command_or_a_file(tmp_path: Path) -> None:
    """Keys that have to be fetched are fetched; where that fails, the source is named and nothing is asked."""
    (tmp_path / "key").write_text(KEY)
    vendor = Vendor()
    found = visit(vendor, auth=f'{{ file = "{tmp_path / "key"}" }}')
    assert found["call"].verdict == "ok" and vendor.keys == [f"Bearer {KEY}"]
    vendor = Vendor()
    found = visit(vendor, auth=f'{{ file = "{tmp_path / "none"}" }}')
    assert found["key"].verdict == "fail" and str(tmp_path / "none") in found.cause("key")
    assert not vendor.keys and found.code("call") == "skipped"
