"""Real clients, real servers and a strict upstream, with the gateway between them.

    doors.py        a gateway as a process of its own, and where clients are pointed at
    talks.py        one conversation through each official SDK
    agents.py       Claude Code and Codex without a person
    frameworks.py   Pydantic AI, the Agents SDK and LangChain, in an environment of their own
    ai_sdk.mjs      the AI SDK; sdks.mjs is OpenAI's and Anthropic's own for JavaScript
    programs.py     programs that are no dependencies; llama_server.py runs in the environment of one

Every test runs at four doors: `direct` is the fake itself, the control; `f_chat`, `f_resp` and `f_msgs` are the gateway
with an upstream of that dialect.
"""
