"""The gateway as a process: what it says to clients that misbehave, leave or wait, and to upstreams that fail.

`upstream` is a raw server whose every byte a test decides, `wire` the words of the three dialects, `running` a
`hexapla serve` in front of them, `client` a client without manners.
"""
