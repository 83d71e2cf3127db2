"""`hexapla doctor`: why does this provider not answer?

It walks the way of a request from its beginning and stops where the way ends: key, address, proxy, name, certificate,
clock, list of models, a small question, a stream, a tool.  What it finds are values; every failure has a cause and a
remedy, in English and Chinese.

    finding.py   what a check found
    words.py     what that means, and what to do about it
    keys.py      is there a key, from where, and does it look like one
    address.py   where requests would go, and through which proxy
    network.py   name, connection, certificate, clock
    listing.py   which models the provider lists
    asking.py    a question, a stream, a tool
    choose.py    who is examined, and with which model
    examine.py   in which order, several at once
"""
