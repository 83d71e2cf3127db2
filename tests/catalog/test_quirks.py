"""Quirks edit raw fields and nothing else, and tell what they take away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hexapla.catalog.quirks import edit, edit_losses, matches, merge, target_of
from hexapla.catalog.schema import Endpoint, Model, Provider, Quirks, When
from hexapla.wire.rawjson import dump, join, split

BODY = (
    b'{"model":"m","max_completion_tokens": 1e3,"temperature":1.50,'
    b'"stream_options":{"include_usage" : true,"x":1},"u":{"b":1,"a":2}}'
)


def edited(quirks: Quirks, body: bytes = BODY) -> dict[str, Any]:
    return msgspec.json.decode(join(edit(split(body), quirks)), type=dict[str, Any])


def test_no_quirks_cost_nothing() -> None:
    """Without edits the very same object comes back."""
    fields = split(BODY)
    assert edit(fields, Quirks(target={"sampling": False}, error_codes={"1": "timeout"})) is fields


@pytest.mark.parametrize(
    ("quirks", "changed"),
    [
        (Quirks(rename={"max_completion_tokens": "max_tokens"}), {"max_tokens": 1000.0, "max_completion_tokens": None}),
        (Quirks(rename={"temperature": "options.heat"}), {"options": {"heat": 1.5}, "temperature": None}),
        (Quirks(rename={"stream_options.x": "y"}), {"stream_options": {"include_usage": True}, "y": 1}),
        (Quirks(strip=("temperature", "absent")), {"temperature": None}),
        (Quirks(strip=("stream_options.include_usage",)), {"stream_options": {"x": 1}}),
        (Quirks(strip=("model.deeper", "absent.deeper")), {}),
        (Quirks(set={"store": False, "u.c": [1]}), {"store": False, "u": {"b": 1, "a": 2, "c": [1]}}),
        (Quirks(set={"model.deeper": 1}), {"model": {"deeper": 1}}),
        (
            Quirks(default={"temperature": 0, "top_p": 0.5, "u.b": 9, "u.z": 9}),
            {"top_p": 0.5, "u": {"b": 1, "a": 2, "z": 9}},
        ),
        (Quirks(clamp={"temperature": (0, 1)}), {"temperature": 1}),
        (Quirks(clamp={"temperature": (1.75, 2)}), {"temperature": 1.75}),
        (
            Quirks(clamp={"temperature": (0, 2), "model": (0, 1), "absent": (0, 1), "u.b": (3, 4)}),
            {"u": {"b": 3, "a": 2}},
        ),
        # in this order: what is renamed can be stripped, what is stripped can be set again
        (
            Quirks(rename={"u": "v"}, strip=("v",), set={"v": 1}, default={"v": 2}, clamp={"v": (5, 6)}),
            {"u": None, "v": 5},
        ),
    ],
)
def test_each_edit(quirks: Quirks, changed: dict[str, Any]) -> None:
    """Rename, strip, set, default and clamp, on top and one object deeper; None: the field is gone."""
    expected = msgspec.json.decode(BODY, type=dict[str, Any]) | changed
    assert edited(quirks) == {name: value for name, value in expected.items() if value is not None}


def test_what_is_not_named_keeps_its_bytes() -> None:
    """Numbers keep their spelling, objects their white space and order."""
    fields = edit(split(BODY), Quirks(strip=("temperature",), set={"store": True}))
    assert bytes(fields["max_completion_tokens"]) == b"1e3"
    assert bytes(fields["stream_options"]) == b'{"include_usage" : true,"x":1}'
    assert bytes(fields["u"]) == b'{"b":1,"a":2}'


def test_a_field_of_every_element_is_stripped() -> None:
    """`list[].name` takes a field out of each object; a list without it keeps its bytes, and the loss is told."""
    quirks = Quirks(strip=("messages[].name", "tools[].name", "model[].name"))
    body = b'{"model":"m","messages":[{"role" : "user","name":"n"},{"a": 1.0}],"tools":[ {"x":1} ]}'
    fields = edit(split(body), quirks)
    assert bytes(fields["messages"]) == b'[{"role":"user"},{"a":1.0}]'
    assert bytes(fields["tools"]) == b'[ {"x":1} ]'
    assert [loss.field for loss in edit_losses(split(body), quirks)] == ["messages[].name"]


def test_what_programs_bring_back_of_an_answer_is_no_parameter() -> None:
    """LiteLLM's own field in its messages: whoever demands all parameters is served by a vendor that refuses it."""
    body = b'{"messages":[{"content":"a","provider_specific_fields":{}}]}'
    quirks = Quirks(strip=("messages[].provider_specific_fields",))
    assert [loss.severity for loss in edit_losses(split(body), quirks)] == ["cosmetic"]
    assert edit(split(body), quirks)["messages"] == Raw(b'[{"content":"a"}]')


def test_null_is_said_by_the_caller() -> None:
    """A default does not replace an explicit null."""
    assert edited(Quirks(default={"a": 1}), b'{"a":null}') == {"a": None}


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=6))
def test_unknown_fields_survive(fields: dict[str, Any]) -> None:
    """Whatever a caller invents passes every edit that does not name it."""
    quirks = Quirks(
        rename={"max_tokens": "limit"}, strip=("seed",), clamp={"temperature": (0, 1)}, default={"x_y_z": 1}
    )
    raw = {name: dump(value) for name, value in fields.items()}
    kept = edit(raw, quirks)
    for name, value in raw.items():
        if name not in ("max_tokens", "seed", "temperature", "limit"):
            assert kept[name] == value


def test_losses_name_what_the_caller_said_and_the_target_does_not_hear() -> None:
    """Stripped, replaced and clamped fields are losses; absent, null and equal ones are not."""
    quirks = Quirks(
        strip=("seed", "user", "n", "model"), set={"store": False, "stream": True}, clamp={"temperature": (0, 1)}
    )
    body = b'{"model":"m","seed":1,"user":null,"store":false,"stream":false,"temperature":2}'
    losses = edit_losses(split(body), quirks, "acme")
    assert {loss.field: loss.why for loss in losses} == {
        "seed": "acme refuses seed",
        "temperature": "acme takes 0 to 1 only",
    }
    assert {loss.severity for loss in losses} == {"parameter"}


@pytest.mark.parametrize(
    ("globs", "model", "fits"),
    [
        ("gpt-5*", "gpt-5.2", True),
        ("gpt-5*", "GPT-5", True),
        (("o1*", "o3*"), "o3-mini", True),
        ("o1*", "foo1", False),
        ("*/*", "perplexity/sonar", True),
        ("qwen3-[0-9]*b", "qwen3-32b", True),
        ("qwen3-[0-9]*b", "qwen3-max", False),
    ],
)
def test_globs(globs: str | tuple[str, ...], model: str, fits: bool) -> None:
    """A model's id fits a glob whatever its case."""
    assert matches(globs, model) is fits


def test_later_whens_stand_above_earlier_ones() -> None:
    """Tables are merged key by key, lists are joined, and what does not match is not merged."""
    quirks = Quirks(
        strip=("a",),
        rename={"x": "y"},
        target={"sampling": True, "prefill": True},
        when=(
            When(model="m*", strip=("b",), target={"sampling": False}),
            When(model="m1", target={"sampling": True}, default={"d": 1}),
            When(model="other", strip=("c",)),
        ),
    )
    merged = merge(quirks, "m1")
    assert merged.strip == ("a", "b")
    assert merged.rename == {"x": "y"} and merged.default == {"d": 1}
    assert merged.target == {"sampling": True, "prefill": True}
    assert merge(quirks, "m2").target == {"sampling": False, "prefill": True}


PROVIDER = Provider(id="acme")
CHAT = Endpoint(protocol="openai_chat", base_url="https://acme.test")


def test_a_target_knows_where_it_is_and_what_the_model_can() -> None:
    """The model's facts stand above the endpoint's, and lists become what Target wants."""
    quirks = Quirks(target={"sampling": False, "effort_levels": ["low", "high"], "prefill": False})
    facts = Model(id="m", max_output=7, target={"prefill": True, "unsupported": ["verbosity"]})
    target = target_of(PROVIDER, CHAT, quirks, facts, "m")
    assert (target.origin.protocol, target.origin.provider, target.model) == ("openai_chat", "acme", "m")
    assert (target.sampling, target.prefill, target.max_output) == (False, True, 7)
    assert target.effort_levels == ("low", "high")
    assert target.unsupported == {"verbosity"}


def test_a_model_thinks_where_the_catalogue_says_so() -> None:
    """Unless the endpoint's quirks know better."""
    facts = Model(id="m", capabilities=("tools", "reasoning"))
    assert target_of(PROVIDER, CHAT, Quirks(), facts, "m").thinks
    assert not target_of(PROVIDER, CHAT, Quirks(target={"thinks": False}), facts, "m").thinks
    assert not target_of(PROVIDER, CHAT, Quirks(), None, "m").thinks


def test_what_is_stripped_is_unsupported() -> None:
    """Renderers hear of stripped parameters by their place in a request, so that the loss is told."""
    target = target_of(PROVIDER, CHAT, Quirks(strip=("seed", "store")), None, "m")
    assert target.unsupported == {"sampling.seed", "store"}


def test_cache_marks_are_for_who_knows_them() -> None:
    """Chat and Responses servers get none unless their quirks say so; Messages servers get four."""
    messages = Endpoint(protocol="anthropic_messages", base_url="https://acme.test")
    assert target_of(PROVIDER, CHAT, Quirks(), None, "m").cache_marks == 0
    assert target_of(PROVIDER, CHAT, Quirks(target={"cache_marks": 4}), None, "m").cache_marks == 4
    assert target_of(PROVIDER, messages, Quirks(), None, "m").cache_marks == 4


def test_a_raw_null_is_not_clamped() -> None:
    """Values that are no numbers are left to the provider to judge."""
    fields = {"temperature": Raw(b"null"), "top_p": Raw(b'"high"')}
    assert edit(dict(fields), Quirks(clamp={"temperature": (0, 1), "top_p": (0, 1)})) == fields
