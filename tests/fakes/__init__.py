"""A scripted upstream that speaks Chat Completions, Responses and Messages over real HTTP.

It exists to be strict.  A gateway that loses something on the way is noticed here, not in the test that happens to look:
requests are checked as their vendors check them, a tool's result is read back in the answer, reasoning state must return
as it was given.  It shares no code with the gateway.

    values.py     what a script sees of a request and says in an answer, without any dialect
    check.py      refusals and the few checks that all dialects need
    scripts.py    behaviours, chosen by the request's model name
    chat.py, responses.py, messages.py    the dialects: read a request, write an answer, whole or as events
    server.py     the HTTP server, with its journal of everything it was asked
    running.py    the server in a thread, for tests;  `python -m fakes PORT` runs it alone
    logins.py    an authorization server that plays every vendor, with an upstream that knows its tokens
"""
