"""Tokens of clouds: Google's application default credentials and Azure's Entra ID.

Google: the file of $GOOGLE_APPLICATION_CREDENTIALS, else gcloud's well-known file (a person's login, a service account's
key, or either impersonating another account), else the gcloud program, else the metadata server of a machine at Google
(https://cloud.google.com/docs/authentication/application-default-credentials, 2026-11).
Azure: a client's secret from $AZURE_TENANT_ID, $AZURE_CLIENT_ID, $AZURE_CLIENT_SECRET
(https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, 2026-11), else the Azure CLI.

Rules of this file: generators without I/O, except that `..._found` looks whether a file exists.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from hexapla.auth._optional import sign_rs256
from hexapla.auth.files import located, read, there
from hexapla.auth.grant import Token, seconds
from hexapla.auth.oauth import document, post, refused, sendable
from hexapla.auth.steps import Call, Clock, Read, Reply, Run, Steps
from hexapla.errors import ConfigError, Kind, UpstreamError

GOOGLE_TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"
AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"
PROGRAM_SECONDS = 30.0
PROGRAM_LIFE = 1800.0  # gcloud does not say how long its token still lives; it renews it five minutes before its end
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

Environment = Mapping[str, str]


# Google


def google_file(environment: Environment) -> str:
    """The path of the application default credentials, whether or not there is such a file; "" for nowhere."""
    named = environment.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    folder = environment.get("CLOUDSDK_CONFIG") or "~/.config/gcloud"
    return located(named or f"{folder}/application_default_credentials.json", environment)


def google_found(environment: Environment) -> str:
    """Where Google's credentials are, for people; "" where there are none."""
    path = google_file(environment)
    if there(path):
        return path
    if environment.get("GCE_METADATA_HOST") or environment.get("K_SERVICE") or _at_google():
        return "metadata server"
    folder = located(environment.get("CLOUDSDK_CONFIG") or "~/.config/gcloud", environment)
    return "gcloud" if folder and there(f"{folder}/credentials.db") else ""


def google_token(environment: Environment, scope: str, now: Clock) -> Steps[Token]:
    """An access token for `scope`.  Raises UpstreamError or ConfigError."""
    found = google_found(environment)
    if found == "metadata server":
        return (yield from _metadata(environment, now))
    if found == "gcloud":
        return (yield from _program(("gcloud", "auth", "print-access-token"), now))
    data: bytes | None = yield Read(google_file(environment))
    held = _object(data)
    return (yield from _google(held, scope or GOOGLE_SCOPE, now))


def _google(held: dict[str, Any], scope: str, now: Clock) -> Steps[Token]:
    """A token from credentials of any of the kinds that need no other cloud."""
    kind = held.get("type")
    if kind == "authorized_user":
        fields = {name: held.get(name) for name in ("client_id", "client_secret", "refresh_token")}
        token = yield from _bought(_uri(held), fields | {"grant_type": "refresh_token"}, now)
        project = held.get("quota_project_id")
        # https://cloud.google.com/docs/quotas/set-quota-project (2026-11): a person's token names the project that pays
        return msgspec.structs.replace(token, headers=(("x-goog-user-project", project),)) if project else token
    if kind == "service_account":
        assertion = signed(held, scope, now())
        return (yield from _bought(_uri(held), {"grant_type": JWT_BEARER, "assertion": assertion}, now))
    if kind == "impersonated_service_account" and isinstance(held.get("source_credentials"), dict):
        return (yield from _impersonated(held, scope, now))
    raise ConfigError(
        f"Google's credentials are of a kind that is not understood here ({str(kind)[:40]}); "
        'set auth.command = "gcloud auth print-access-token" for this provider.',
        key="auth",
    )


def signed(held: Mapping[str, Any], scope: str, now: float) -> str:
    """A service account's assertion, good for an hour (https://developers.google.com/identity/protocols/oauth2/service-account)."""
    said = {"iss": held.get("client_email"), "scope": scope, "aud": _uri(held), "iat": int(now), "exp": int(now) + 3600}
    head = {"alg": "RS256", "typ": "JWT", "kid": held.get("private_key_id")}
    text = b".".join(_part(msgspec.json.encode(part)) for part in (head, said))
    return (text + b"." + _part(sign_rs256(str(held.get("private_key")), text))).decode()


def _impersonated(held: dict[str, Any], scope: str, now: Clock) -> Steps[Token]:
    source = yield from _google(held["source_credentials"], GOOGLE_SCOPE, now)
    url = str(held.get("service_account_impersonation_url"))
    asked = {"scope": [scope], "lifetime": "3600s", "delegates": held.get("delegates") or None}
    reply: Reply = yield post(url, asked, "json", {"authorization": f"Bearer {source.secret}"})
    access = document(reply).get("accessToken")
    if reply.status != 200 or not isinstance(access, str) or not sendable(access):
        raise refused(reply, url, "the impersonation")
    return Token(secret=access, expires=now() + 3600, obtained=now())


def _metadata(environment: Environment, now: Clock) -> Steps[Token]:
    host = environment.get("GCE_METADATA_HOST") or "metadata.google.internal"
    url = f"http://{host}{METADATA}"
    reply: Reply = yield Call("GET", url, (("metadata-flavor", "Google"),))
    return _token(reply, url, now())


def _uri(held: Mapping[str, Any]) -> str:
    return str(held.get("token_uri") or GOOGLE_TOKEN)


def _at_google() -> bool:
    """https://cloud.google.com/compute/docs/instances/detect-compute-engine (2026-11)"""
    return b"Google" in (read("/sys/class/dmi/id/product_name") or b"")


# Azure


def entra_found(environment: Environment) -> str:
    """Where Azure's credentials are, for people; "" where there are none."""
    if all(environment.get(f"AZURE_{name}") for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")):
        return "AZURE_CLIENT_SECRET"
    folder = located(environment.get("AZURE_CONFIG_DIR") or "~/.azure", environment)
    return "az" if folder and there(f"{folder}/azureProfile.json") else ""


def entra_token(environment: Environment, scope: str, now: Clock) -> Steps[Token]:
    """An access token for `scope`.  Raises UpstreamError."""
    scope = scope or AZURE_SCOPE
    if entra_found(environment) == "az":
        return (yield from _program(("az", "account", "get-access-token", "--scope", scope, "--output", "json"), now))
    authority = (environment.get("AZURE_AUTHORITY_HOST") or "https://login.microsoftonline.com").rstrip("/")
    url = f"{authority}/{environment['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    fields = {
        "grant_type": "client_credentials",
        "client_id": environment["AZURE_CLIENT_ID"],
        "client_secret": environment["AZURE_CLIENT_SECRET"],
        "scope": scope,
    }
    return (yield from _bought(url, fields, now))


# both


def _bought(url: str, fields: Mapping[str, Any], now: Clock) -> Steps[Token]:
    reply: Reply = yield post(url, fields, "form")
    return _token(reply, url, now())


def _token(reply: Reply, url: str, now: float) -> Token:
    said = document(reply)
    access = said.get("access_token")
    if reply.status != 200 or not isinstance(access, str) or not sendable(access):
        raise refused(reply, url, "the credentials")
    return Token(secret=access, expires=now + (seconds(said.get("expires_in")) or 3600), obtained=now)


def _program(words: tuple[str, ...], now: Clock) -> Steps[Token]:
    """A token that a cloud's own program prints, alone or as JSON."""
    printed: str = yield Run(words, PROGRAM_SECONDS)
    said = _object(printed.encode())
    access = str(said.get("accessToken") or printed).strip()
    if not sendable(access):
        raise UpstreamError(
            Kind.UPSTREAM_AUTH, f"{' '.join(words[:3])} printed no token; log in with {words[0]} first."
        )
    ends = seconds(said.get("expires_on")) or now() + PROGRAM_LIFE
    return Token(secret=access, expires=ends, obtained=now())


def _object(data: bytes | None) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(data or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
