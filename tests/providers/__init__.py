"""A faithful fake of every provider, and one suite over all of them.

A fake is data: `vendors/<provider>.toml` says where a vendor listens, how it wants the key, what it refuses, how its
answers look and how it complains, each with its source.  The wire itself is written here by hand, with nothing of the
gateway, so that a mistake in our own encoders cannot hide.  The gateway is the real one, in process; of its built-in
providers only the host and the key are replaced, so their paths, logins and quirks are what is tested.

    facts.py      the structs of vendors/*.toml
    script.py     what every vendor's model says
    wires/        one writer for each protocol: reads what is asked, writes what is answered
    fake.py       the servers on loopback, and what they heard
    clients.py    the three client dialects: how they ask, and what they understand
    house.py      gateway and fakes in one event loop
    bedrock.py    Bedrock's runtime, for the real LiteLLM proxy that stands before it
    table.py      the table of providers in the docs and the README
"""
