"""The exchange decides; these tests are its playbook."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playbook import Play, candidate

from hexapla.errors import ClientError, Kind, ProtocolError, UpstreamError
from hexapla.routing.commands import (
    Chunk,
    Drop,
    End,
    Expired,
    Failed,
    Finish,
    Forward,
    Head,
    Receive,
    Send,
    Sleep,
    Start,
)
from hexapla.routing.patience import Timers

OK = Head(200, {})


def refused() -> Failed:
    return Failed(UpstreamError(Kind.UPSTREAM_CONNECT, "refused"))


def streaming(play: Play) -> None:
    """Bring a play to the point where the stream is open."""
    assert isinstance(play.say(), Send)
    assert isinstance(play.say(OK), Receive)


def test_a_whole_answer_is_forwarded_once() -> None:
    """A plain answer starts, forwards and finishes in that order."""
    play = Play("a", stream=False)
    assert isinstance(play.say(), Send)
    assert isinstance(play.say(OK), Receive)
    assert isinstance(play.say(Chunk(b'{"x":1}')), Receive)
    assert isinstance(play.say(End()), Start)
    assert play.say() == Finish(b'{"x":1}')
    assert play.say() == Drop()
    assert play.say() is None
    assert play.outcome is not None and play.outcome.error is None and play.outcome.tried == 1


def test_nothing_is_said_before_content() -> None:
    """Bytes before the first content are held back and then sent with it."""
    play = Play("a")
    streaming(play)
    assert isinstance(play.say(Chunk(b"p")), Receive)
    assert isinstance(play.say(Chunk(b"p")), Receive)
    assert isinstance(play.say(Chunk(b"c")), Start)
    assert play.say() == Forward(b"ppc")


def test_an_error_hidden_in_a_200_falls_over_unseen() -> None:
    """An error event before content makes the next endpoint answer, and the client never knows."""
    play = Play("a", "b", retries=0)
    streaming(play)
    assert play.say(Chunk(b"pe")) == Drop()
    assert isinstance(play.say(), Send)
    assert isinstance(play.say(OK), Receive)
    assert isinstance(play.say(Chunk(b"cd")), Start)
    assert play.say() == Forward(b"cd.")
    assert play.opened == ["a", "b"]


def test_after_content_a_failure_is_told_and_nobody_else_is_tried() -> None:
    """A reset after content ends in the dialect's error event, not in another attempt."""
    play = Play("a", "b")
    streaming(play)
    assert isinstance(play.say(Chunk(b"c")), Start)
    assert play.say() == Forward(b"c")
    assert isinstance(play.say(), Receive)
    reset = Failed(UpstreamError(Kind.UPSTREAM_TRUNCATED, "reset"))
    assert play.say(reset) == Forward(b"!upstream_truncated")
    assert play.say() == Finish()
    assert play.say() == Drop()
    assert play.say() is None
    assert play.opened == ["a"]
    assert play.outcome is not None and play.outcome.error is not None


def test_a_clean_end_without_a_terminal_event_is_no_success() -> None:
    """EOF after content but before the terminal event is reported as truncation."""
    play = Play("a")
    streaming(play)
    play.say(Chunk(b"c"))
    play.say()
    play.say()
    assert play.say(End()) == Forward(b"!")
    assert play.say() == Finish()
    play.say()
    play.say()
    assert play.outcome is not None and play.outcome.error is not None
    assert play.outcome.error.kind is Kind.UPSTREAM_TRUNCATED


def test_connection_refused_is_retried_once_then_falls_over() -> None:
    """The table's one retry of a refused connection comes before the next endpoint, and at once: nothing is slept."""
    play = Play("a", "b")
    assert isinstance(play.say(), Send)
    assert play.say(refused()) == Drop()
    assert play.say() == Sleep(0.0)
    assert isinstance(play.say(), Send)
    assert play.say(refused()) == Drop()
    assert isinstance(play.say(), Send)
    assert play.opened == ["a", "a", "b"]


def test_a_hint_is_obeyed_and_a_long_one_means_elsewhere() -> None:
    """retry-after within bounds is slept, never undercut; beyond them the next endpoint is asked at once."""
    play = Play("a", "b")
    play.say()
    play.say(Head(429, {"retry-after": "2"}))
    assert play.say(End()) == Drop()
    pause = play.say()
    assert isinstance(pause, Sleep) and 2.0 <= pause.seconds <= 2.2
    assert isinstance(play.say(), Send)
    play.say(Head(429, {"retry-after": "3600"}))
    assert play.say(End()) == Drop()
    assert isinstance(play.say(), Send)
    assert play.opened == ["a", "a", "b"]


def test_the_clients_own_fault_is_asked_once() -> None:
    """An invalid request is neither retried nor sent elsewhere."""
    play = Play("a", "b", stream=False)
    play.say()
    play.say(Head(400, {}))
    play.say(Chunk(b'{"error":{"message":"bad param","type":"invalid_request_error"}}'))
    play.say(End())
    assert play.say() is None
    assert play.opened == ["a"]
    assert play.outcome is not None and play.outcome.error is not None
    assert play.outcome.error.kind is Kind.INVALID_REQUEST
    assert "bad param" in play.outcome.error.message


def test_a_body_that_does_not_parse_stops_at_once() -> None:
    """A parser's complaint becomes the client's error without any upstream call."""
    play = Play("a", "b")
    play.refuse["a"] = ProtocolError("must be a list", path="$.messages")  # type: ignore[assignment]
    assert play.say() is None
    assert play.outcome is not None and isinstance(play.outcome.error, ClientError)
    assert play.outcome.error.param == "messages" and play.opened == ["a"]


def test_a_refused_loss_tries_the_next_endpoint() -> None:
    """Strict losses rule out one endpoint, not the request."""
    play = Play("a", "b")
    play.refuse["a"] = ClientError(Kind.UNSUPPORTED, "no top_k")
    assert isinstance(play.say(), Send)
    assert play.opened == ["a", "b"]


def test_a_silent_endpoint_is_not_asked_twice() -> None:
    """A time-out before content goes to the next endpoint without a retry."""
    play = Play("a", "b")
    play.say()
    assert play.say(Expired()) == Drop()
    assert isinstance(play.say(), Send)
    assert play.opened == ["a", "b"]


def test_pings_are_life_but_not_progress() -> None:
    """Pings keep the idle timer happy; the deadline for content does not move."""
    play = Play("a", timers=Timers(first=10, idle=5, progress=10, total=100))
    streaming(play)
    play.now = 4
    waiting = play.say(Chunk(b"p"))
    assert isinstance(waiting, Receive) and waiting.deadline == 9
    play.now = 8
    waiting = play.say(Chunk(b"p"))
    assert isinstance(waiting, Receive) and waiting.deadline == pytest.approx(13, abs=1.1)


def test_a_settled_stream_is_finished_without_its_terminator() -> None:
    """Once reason and usage were seen, a missing terminator costs half a second, not the answer."""
    play = Play("a")
    streaming(play)
    play.say(Chunk(b"c"))
    play.say()
    play.say()
    play.say(Chunk(b"s"))
    waiting = play.say()
    assert isinstance(waiting, Receive) and waiting.deadline == 0.5
    assert play.say(Expired()) == Forward(b".")
    assert play.say() == Finish()


def test_heartbeats_begin_the_answer_and_later_errors_are_told_in_it() -> None:
    """After a heartbeat the status is out, so an exhausted plan ends in the dialect's error event."""
    play = Play("a", retries=0)
    send = play.say()
    assert isinstance(send, Send) and send.beat is not None
    start, data = send.beat()
    assert isinstance(start, Start) and data == b":"
    assert play.say(refused()) == Drop()
    assert play.say() == Forward(b"told:upstream_connect")
    assert play.say() == Finish()
    assert play.say() is None
    assert play.outcome is not None and play.outcome.started


def test_json_for_a_stream_request_is_played_as_a_stream() -> None:
    """An upstream that ignores stream:true still gives the client a stream, keep-alive white space or not."""
    play = Play("a")
    streaming(play)
    assert isinstance(play.say(Chunk(b"  \n")), Receive)
    assert isinstance(play.say(Chunk(b'{"a":')), Receive)
    assert isinstance(play.say(Chunk(b"1}")), Receive)
    assert isinstance(play.say(End()), Start)
    assert play.say() == Forward(b'simulated:  \n{"a":1}')
    assert play.say() == Forward(b"to its end")
    assert play.say() == Finish()


def test_a_stream_for_a_plain_request_is_gathered() -> None:
    """An upstream that streams unasked still gives the client one body."""
    play = Play("a", stream=False)
    play.say()
    play.say(OK)
    play.say(Chunk(b"data: x\n\n"))
    assert isinstance(play.say(End()), Start)
    assert play.say() == Finish(b"gathered:data: x\n\n")


def test_redirects_are_never_followed() -> None:
    """A redirect is an error that says so, and its target is never called."""
    play = Play("a", stream=False)
    play.say()
    play.say(Head(302, {"location": "http://169.254.169.254/"}))
    assert play.say(End()) == Drop()
    assert play.say() is None
    assert play.outcome is not None and play.outcome.error is not None
    assert play.outcome.error.kind is Kind.UPSTREAM_MISCONFIGURED


def test_every_attempt_is_noted() -> None:
    """Each call of an endpoint leaves one note with its status and error."""
    play = Play("a", "b", stream=False, retries=0)
    play.say()
    play.say(Head(500, {}))
    play.say(End())
    play.say()
    play.say(OK)
    play.say(Chunk(b"{}"))
    play.say(End())
    while play.say() is not None:
        pass
    assert [note.tried.status for note in play.notes] == [500, 200]
    assert play.notes[0].tried.error is not None and play.notes[1].tried.error is None


def test_another_key_serves_at_once_what_a_limited_one_would_wait_for() -> None:
    """No pause while a key of the same provider is left; the last one waits as usual, and so does a lone one."""
    limit = Head(429, {"retry-after": "2"})
    play = Play("a", "a", "b", stream=False)
    first, second, third = play.exchange._candidates
    play.exchange._candidates = [replace(first, credential="1"), replace(second, credential="2"), third]
    assert isinstance(play.say(), Send)
    assert isinstance(play.say(limit), Receive)
    assert play.say(End()) == Drop()
    assert isinstance(play.say(), Send)
    assert isinstance(play.say(limit), Receive)
    assert play.say(End()) == Drop()
    assert isinstance(play.say(), Sleep)
    assert play.opened == ["a", "a"]


def test_the_providers_own_words_outlast_our_queue() -> None:
    """After its 429 our own limiter would not let the next try through: the client hears what the provider said."""
    play = Play("a", stream=False)
    play.say()
    assert isinstance(play.say(Head(429, {"retry-after": "1"})), Receive)
    assert isinstance(play.say(Chunk(b'{"error":{"message":"limit_rpm of this model"}}')), Receive)
    assert play.say(End()) == Drop()
    assert isinstance(play.say(), Sleep)
    play.full = UpstreamError(Kind.RATE_LIMIT, "our queue is full", retryable=False)
    assert play.say() is None
    assert play.outcome is not None and play.outcome.error is not None
    assert "limit_rpm of this model" in play.outcome.error.message


def test_the_next_candidate_has_timers_of_its_own() -> None:
    """What the first one was given says nothing of the second; both count `total` from the request's beginning."""
    patient = replace(candidate("b"), timers=Timers(first=50, head=30, total=70))
    play = Play("a", patient, retries=0, timers=Timers(first=10, total=100))
    sent = play.say()
    assert isinstance(sent, Send) and sent.deadline == 10
    play.now = 10
    assert play.say(Expired()) == Drop()
    sent = play.say()
    assert isinstance(sent, Send) and sent.deadline == 40
    play.now = 35
    waiting = play.say(OK)
    assert isinstance(waiting, Receive) and waiting.deadline == 70


def refuse(play: Play, body: bytes = b'{"error":{"message":"no such field"}}') -> object:
    """The provider says 400; what the exchange does next, after its bookkeeping."""
    assert isinstance(play.say(Head(400, {})), Receive)
    assert isinstance(play.say(Chunk(body)), Receive)
    assert play.say(End()) == Drop()
    return play.say()


def test_what_one_model_refuses_another_one_takes() -> None:
    """Any error leads on to the next model that the request names, past those who offer the refused one."""
    play = Play("a", "b", "c", stream=False, asked={"a": "first", "b": "first", "c": "second"})
    assert isinstance(play.say(), Send)
    assert isinstance(refuse(play), Send)
    assert play.opened == ["a", "c"]
    assert refuse(play) is None
    assert play.outcome is not None and play.outcome.error is not None
    assert (play.outcome.error.kind, play.outcome.tried) == (Kind.INVALID_REQUEST, 2)


def test_a_refused_request_is_not_carried_around() -> None:
    """With one model named, nobody else is asked what its provider calls the client's fault."""
    play = Play("a", "b", stream=False)
    assert isinstance(play.say(), Send)
    assert refuse(play) is None
    assert play.outcome is not None and play.outcome.tried == 1


def test_the_providers_own_words_count_in_a_200_as_well() -> None:
    """What its table says of a code holds however the error came."""
    poor = candidate("poor")
    poor = replace(poor, provider=replace(poor.provider, error_codes={"E7": "upstream_billing"}))
    play = Play(poor, "b", stream=False)
    play.say()
    play.say(OK)
    play.say(Chunk(b'{"code"'))
    assert play.say(End()) == Drop()
    assert isinstance(play.say(), Send)
    assert play.opened == ["poor", "b"]
    [note] = play.notes
    assert note.tried.error is not None and note.tried.error.kind is Kind.UPSTREAM_BILLING


CUT = Failed(UpstreamError(Kind.UPSTREAM_TRUNCATED, "cut"))


def begun(play: Play) -> None:
    """Bring a play to the point where the client has heard a text that somebody else may go on with."""
    streaming(play)
    assert isinstance(play.say(Chunk(b"cr")), Start)
    play.say()
    assert isinstance(play.say(), Receive)


def test_somebody_else_goes_on_with_a_broken_text() -> None:
    """The client hears of no error; the second one's beginning is told, and the first one is noted with what it used."""
    play = Play("a", "b")
    begun(play)
    assert play.say(CUT) == Drop()
    assert isinstance(play.say(), Send)
    [note] = play.notes
    assert note.tried.spent is not None and note.tried.first == 0.0
    play.say(OK)
    start = play.say(Chunk(b"cd"))
    assert isinstance(start, Start) and start.candidate.provider.id == "b" and start.tried == 2
    assert play.say() == Forward(b"cd.")
    assert play.say() == Finish()


def test_when_nobody_goes_on_the_break_is_told() -> None:
    """Not what the others failed with: the client hears why its answer ends."""
    play = Play("a", "b", retries=0)
    begun(play)
    assert play.say(CUT) == Drop()
    assert isinstance(play.say(), Send)
    assert play.say(Failed(UpstreamError(Kind.UPSTREAM_TLS, "no"))) == Drop()
    assert play.say() == Forward(b"!upstream_truncated")
    assert play.say() == Finish()
    assert play.say() is None
    assert play.outcome is not None and play.outcome.error is not None
    assert play.outcome.error.kind is Kind.UPSTREAM_TRUNCATED and play.outcome.started


def test_whoever_is_alone_goes_on_itself_once() -> None:
    """The same endpoint, as often as the table lets it be asked again."""
    play = Play("a")
    begun(play)
    assert play.say(CUT) == Drop()
    assert isinstance(play.say(), Sleep)
    assert isinstance(play.say(), Send)
    assert play.opened == ["a", "a"]


def test_a_verdict_on_the_text_is_no_break() -> None:
    """What a filter stops nobody else says to its end."""
    play = Play("a", "b")
    begun(play)
    assert play.say(Failed(UpstreamError(Kind.CONTENT_FILTER, "no"))) == Forward(b"!content_filter")
    assert play.say() == Finish()
