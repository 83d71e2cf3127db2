"""From the configuration of another gateway to a `hexapla.toml`, with a report of what could not be carried and why.

    load.py      the text of a foreign file as data; whose it is
    claudex.py   Claudex;  ccr.py  claude-code-router, versions 2 and 3;  litellm.py, deployment.py  the LiteLLM proxy
    match.py     which built-in provider stands behind an address
    draft.py     what comes of it: our tables, and the report;  safe.py  where its secrets go
    note.py      the report's words, in English and Chinese
    render.py    our tables as TOML

Everything here is pure.  A secret of the foreign file becomes a reference to a variable, or is kept when that is asked
for; it is never part of a note.
"""
