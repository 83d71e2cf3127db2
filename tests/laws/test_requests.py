"""A law of what clients send (L7), for every protocol: nothing odd crashes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import requests

from hexapla.errors import ClientError, ProtocolError
from hexapla.ir.content import Origin
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Protocol
from hexapla.translate.adapt.adapt import adapt

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)

ODD = st.sampled_from(
    [None, "", "x", 0, 1.5, -1, True, [], {}, [1], ["a"], [None], [{}], {"type": "text"}, "assistant"]
)
Place = tuple[str | int, ...]


def body_of(protocol: Protocol, request: GenerateRequest) -> Any:
    """A request as a client of this dialect says it; None where it cannot."""
    target = Target(origin=Origin(protocol.name), model="m")
    with contextlib.suppress(ClientError):
        bent, _ = adapt(request, target, LossLog())
        return json.loads(protocol.render_request(bent, target, LossLog()))
    return None


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a JSON value but its root."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*at, key)
        yield from places(value[key], (*at, key))


def found(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


@every_protocol
@given(data=st.data())
def test_l7_odd_requests_are_refused_by_nothing_but_their_errors(protocol: Protocol, data: st.DataObject) -> None:
    """L7: a request with anything in any of its places is one, or is refused, here or where it is rendered."""
    body = body_of(protocol, data.draw(requests()))
    if body is None:
        return
    place = data.draw(st.sampled_from([*places(body)]))
    owner = found(body, place[:-1])
    if data.draw(st.booleans()):
        owner[place[-1]] = data.draw(ODD)
    else:
        del owner[place[-1]]
    with contextlib.suppress(ProtocolError, ClientError):
        request = protocol.parse_request(json.dumps(body).encode())
        target = Target(origin=Origin(data.draw(st.sampled_from([*PROTOCOLS]))), model="m")
        bent, _ = adapt(request, target, LossLog())
        PROTOCOLS[target.origin.protocol].render_request(bent, target, LossLog())
