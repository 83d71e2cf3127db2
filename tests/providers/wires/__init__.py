"""The protocols as vendors write them: each module reads a request (`hear`) and writes an answer (`whole`, `stream`).

frames.py   what the writers share: events, and what a request turned out to say
"""
