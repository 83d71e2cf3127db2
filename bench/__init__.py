"""What the gateway costs, measured beside a bare reverse proxy and, if asked for, other gateways, in one run.

    python -m bench                       the gateway and nginx, a few minutes
    python -m bench --peers               also LiteLLM and Portkey, installed under .cache
    python -m bench --quick --json        a rough look, as JSON
    python -m bench --only plain-32       one scenario (scenarios.py names them)

Method.  The measured server is pinned to the first core, upstream and load generator to the others; servers take turns in
every round, so that a busy minute meets them all.  CPU is the scheduler's own count over the server's whole process tree.
A request's cost is the minimum over the rounds, a paced event's the lower quartile: a server that gets too little CPU
handles several events at once, so that there the minimum flatters.  Where the generator or the upstream was the
bottleneck, the report says so: the CPU figures stand, the throughput does not.

    __main__.py    arguments, rounds
    inside.py      what a request costs inside the gateway, without sockets: a program of its own
    scenarios.py   what is asked, and how the figures are called
    servers.py     what is measured: how it is configured, started and asked
    relay.py       bytes passed on, in this language: what tests hold the gateway's cost against
    upstream.py    the provider: whole answers, streams in one burst, paced or held open
    load.py        closed-loop load on raw sockets
    process.py     CPU and memory of a process tree
    report.py      tables and targets
"""
