"""The browser flow: authorization code with PKCE (RFC 7636) and a loopback redirect (RFC 8252).

Rules of this file: pure.  The redirect is taken only with the state that we gave; without a browser on this machine the
address to which it went is pasted.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from hexapla.auth.device import proof, word
from hexapla.auth.grant import Grant
from hexapla.auth.oauth import filled, redeem
from hexapla.auth.steps import Caught, Clock, Draw, Listen, Paste, Prompt, Show, Steps
from hexapla.catalog.login import Login
from hexapla.errors import Kind, UpstreamError

PATIENCE = 600.0  # seconds for a person and a browser


def browser_login(login: Login, host: str, now: Clock, draw: Draw, *, headless: bool) -> Steps[Grant]:
    """Log in with a browser.  Raises UpstreamError when it is refused, takes too long or comes back wrong."""
    verifier, challenge = proof(draw)
    state = word(draw, 24)
    in_path = "{state}" in login.redirect
    redirect = login.redirect.replace("{state}", state)
    port = (
        (login.ports[0] or 8400) if headless else (yield Listen(login.ports, _path(redirect), "" if in_path else state))
    )
    redirect = redirect.replace("{port}", str(port))
    asked = {
        "response_type": "code",
        "client_id": login.client_id,
        login.redirect_name: redirect,
        "scope": login.scope,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": "" if in_path else state,
        **login.params,
    }
    if not login.client_id:  # a server without clients wants no OAuth words (OpenRouter)
        del asked["response_type"]
    # %20 rather than +: some authorization pages read the latter as a plus sign
    query = urlencode({name: value for name, value in asked.items() if value}).replace("+", "%20")
    prompt = Prompt("paste" if headless else "browser", f"{filled(login.authorize, host)}?{query}")
    code = yield from _code(prompt, state, in_path=in_path)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
    if not login.client_id:
        fields = {"code": code, "code_verifier": verifier, "code_challenge_method": "S256"}
    return (yield from redeem(login, host, fields, now))


def _code(prompt: Prompt, state: str, *, in_path: bool) -> Steps[str]:
    """The code that came back, by redirect or by hand."""
    if prompt.kind == "paste":
        pasted: str = yield Paste(prompt)
        said = parsed(pasted)
        if not in_path and "state" in said and said["state"] != state:
            raise UpstreamError(Kind.UPSTREAM_AUTH, "What was pasted belongs to another login; start again.")
    else:
        yield Show(prompt)
        said = yield Caught(PATIENCE)
    if said.get("code"):
        return said["code"]
    error = said.get("error", "")
    why = " (access_denied)" if error == "access_denied" else ""
    raise UpstreamError(Kind.UPSTREAM_AUTH, f"The login was not completed{why}.")


def parsed(pasted: str) -> dict[str, str]:
    """What a person brought back: the whole address, its query, `code#state`, or the code alone."""
    text = pasted.strip()
    if "://" in text or "code=" in text:
        query = text.partition("?")[2].partition("#")[0] if "://" in text else text
        return {name: values[0] for name, values in parse_qs(query).items()}
    code, _, state = text.partition("#")
    return {"code": code, "state": state} if state else {"code": code}


def _path(redirect: str) -> str:
    return urlsplit(redirect.replace("{port}", "0")).path or "/"
