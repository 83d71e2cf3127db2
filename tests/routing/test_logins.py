"""Candidates whose login keeps a token: made sure of before each call, renewed once when it is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playbook import Play

from hexapla.auth.grant import Token
from hexapla.errors import Kind, UpstreamError
from hexapla.routing.commands import (
    Chunk,
    Drop,
    End,
    Expired,
    Failed,
    Finish,
    Forward,
    Head,
    LogIn,
    Receive,
    Send,
    Start,
)

OK, REFUSED = Head(200, {}), Head(401, {})
OLD, NEW = Token(secret="old"), Token(secret="new")


def logged_in(*names: str, stream: bool = False) -> Play:
    """A play whose first candidate has a login."""
    play = Play(*names, stream=stream, retries=0)
    first = play.exchange._candidates[0]
    play.exchange._candidates = [replace(first, login="keeper"), *play.exchange._candidates[1:]]
    return play


def refuse(play: Play) -> object:
    """The provider answers 401; the command after the attempt is over."""
    assert isinstance(play.say(REFUSED), Receive)
    assert play.say(End()) == Drop()
    return play.say()


def serve(play: Play) -> None:
    """The provider answers."""
    assert isinstance(play.say(OK), Receive)
    assert isinstance(play.say(Chunk(b'{"x":1}')), Receive)
    assert isinstance(play.say(End()), Start)
    assert play.say() == Finish(b'{"x":1}')
    assert play.say() == Drop()
    assert play.say() is None


def begun(play: Play) -> LogIn:
    command = play.say()
    assert isinstance(command, LogIn)
    return command


def test_a_token_is_made_sure_of_first() -> None:
    """Then the call goes out as any other."""
    play = logged_in("a")
    command = begun(play)
    assert (command.login, command.refused) == ("keeper", None)
    assert isinstance(play.say(OLD), Send)
    serve(play)


def test_a_401_renews_once_and_asks_once_more() -> None:
    """The first attempt is noted as one that renews, so that nobody is benched for it."""
    play = logged_in("a")
    begun(play)
    assert isinstance(play.say(OLD), Send)
    renewal = refuse(play)
    assert isinstance(renewal, LogIn) and renewal.refused is OLD
    assert isinstance(play.say(NEW), Send)
    serve(play)
    assert play.outcome is not None and play.outcome.error is None and play.outcome.tried == 2
    assert [note.tried.renews for note in play.notes] == [True, False]


def test_a_second_401_is_final() -> None:
    """No third call of this endpoint; the next one has its turn."""
    play = logged_in("a", "b")
    begun(play)
    assert isinstance(play.say(OLD), Send)
    assert isinstance(refuse(play), LogIn)
    assert isinstance(play.say(NEW), Send)
    command = refuse(play)
    assert isinstance(command, Send) and command.request == "b"
    assert [note.tried.renews for note in play.notes] == [True, False]


@pytest.mark.parametrize("status", [400, 402, 403, 404, 429, 500])
def test_other_refusals_renew_nothing(status: int) -> None:
    """A token that was understood is not over."""
    play = logged_in("a")
    begun(play)
    play.say(OLD)
    play.say(Head(status, {}))
    assert play.say(End()) == Drop()
    assert play.say() is None
    assert not any(note.tried.renews for note in play.notes)


@pytest.mark.parametrize("fact", [Failed(UpstreamError(Kind.UPSTREAM_AUTH, "log in again")), Expired()])
def test_without_a_token_the_next_endpoint_is_asked(fact: Failed | Expired) -> None:
    """Nothing is sent without one, and the failure is noted with its reason."""
    play = logged_in("a", "b")
    begun(play)
    command = play.say(fact)
    assert isinstance(command, Send) and command.request == "b"
    error = play.notes[0].tried.error
    assert isinstance(error, UpstreamError) and error.provider == "a"
    assert play.opened == ["b"]


def test_a_renewal_that_fails_tells_why() -> None:
    """What to do about the login, rather than the provider's 401."""
    play = logged_in("a")
    begun(play)
    play.say(OLD)
    assert isinstance(refuse(play), LogIn)
    assert play.say(Failed(UpstreamError(Kind.UPSTREAM_AUTH, "log in again"))) is None
    assert play.outcome is not None and play.outcome.error is not None
    assert play.outcome.error.message == "log in again"


def test_a_stream_is_renewed_as_well() -> None:
    """Nothing was said yet, so the client never knows."""
    play = logged_in("a", stream=True)
    begun(play)
    play.say(OLD)
    assert isinstance(refuse(play), LogIn)
    assert isinstance(play.say(NEW), Send)
    assert isinstance(play.say(OK), Receive)
    assert isinstance(play.say(Chunk(b"cd")), Start)
    assert play.say() == Forward(b"cd.")
