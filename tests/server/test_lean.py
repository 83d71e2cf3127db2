"""The small parts of a connection, beside uvicorn's."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from hexapla.server.lean import Flow, Pipeline


class Paused:
    """A transport that only counts."""

    def __init__(self) -> None:
        self.paused: list[bool] = []

    def pause_reading(self) -> None:
        self.paused.append(True)

    def resume_reading(self) -> None:
        self.paused.append(False)


@pytest.mark.parametrize("kind", [Flow, FlowControl])
def test_who_waits_for_a_slow_client(kind: type[FlowControl]) -> None:
    """Nobody does while it takes what it is told; then whoever waits until it does."""

    async def play() -> None:
        flow = kind(cast(asyncio.Transport, Paused()))
        await flow.drain()
        flow.pause_writing()
        waiting = asyncio.ensure_future(flow.drain())
        await asyncio.sleep(0)
        assert flow.write_paused and not waiting.done()
        flow.resume_writing()
        await waiting
        assert not flow.write_paused
        await flow.drain()

    asyncio.run(play())


@pytest.mark.parametrize("kind", [Flow, FlowControl])
def test_reading_is_paused_once(kind: type[FlowControl]) -> None:
    transport = Paused()
    flow = kind(cast(asyncio.Transport, transport))
    for call in (flow.pause_reading, flow.pause_reading, flow.resume_reading, flow.resume_reading):
        call()
    assert transport.paused == [True, False]


def test_an_event_is_made_for_who_needs_one() -> None:
    flow = Flow(cast(asyncio.Transport, Paused()))
    assert "_is_writable_event" not in vars(flow)


@pytest.mark.parametrize("kind", [Pipeline, deque])
def test_requests_leave_in_their_order(kind: type[deque[int]]) -> None:
    """Unless the latest one breaks off."""
    pipeline = kind()
    for number in range(4):
        pipeline.appendleft(number)
    assert [pipeline.pop(), pipeline.popleft(), pipeline.pop(), pipeline.pop(), bool(pipeline)] == [0, 3, 1, 2, False]
