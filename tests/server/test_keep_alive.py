"""Many requests on one connection of a real gateway, all with the same head."""

from __future__ import annotations

from server.client import dial, hear, request
from server.running import SHORT, Gateway
from server.upstream import Upstream, Visit
from server.wire import CHAT, LAST, PATHS, STREAM, ask, chunk, ending, opening, piece, whole

MUCH = "much " * 50_000


async def says(visit: Visit) -> None:
    """Whole or as a stream, as it is asked; much to `much`, and to `wait` nothing."""
    if b"wait" in visit.body:
        await visit.until_gone()
    elif b"much" in visit.body:
        await visit.write(whole(CHAT, MUCH))
    elif visit.stream:
        await visit.write(STREAM + chunk(opening(CHAT) + piece(CHAT, "words") + ending(CHAT, "words")) + LAST)
    else:
        await visit.write(whole(CHAT, f"{len(visit.body)} bytes"))


def test_each_request_gets_its_own_answer(upstream: Upstream, served: Gateway) -> None:
    """However long it is and whatever is wrong with the one before; and a client that leaves is heard."""
    model = f"{SHORT[CHAT]}/{upstream.play(says)}"
    with dial(served.url) as sock:
        for user, stream in (("a", False), ("bc", False), ("d", True), ("e" * 300_000, False), ("f", False)):
            sock.sendall(request(PATHS[CHAT], ask(CHAT, model, stream=stream, user=user)))
            heard = hear(sock, LAST if stream else b"}}")
            sent = upstream.visits[-1].body
            assert heard.startswith(b"HTTP/1.1 200 OK") and heard.count(b"HTTP/1.1") == 1
            assert (b"words" if stream else b"%d bytes" % len(sent)) in heard and user.encode() in sent
        sock.sendall(request(PATHS[CHAT], ask(CHAT, model, user="much")))
        assert MUCH.encode() in hear(sock, b"}}")
        sock.sendall(request(PATHS[CHAT], b"no json"))
        assert hear(sock, b"}}").startswith(b"HTTP/1.1 400 ")
        upstream.arrived.clear()
        sock.sendall(request(PATHS[CHAT], ask(CHAT, model, user="wait")))
        visit = upstream.last()
    assert visit.over.wait(3), "the upstream's connection stayed open"
