"""Google's application default credentials and Azure's Entra ID, in every form that they come in."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from auth.playing import Play
from fakes.logins import HTML
from hexapla.auth.clouds import entra_found, entra_token, google_file, google_found, google_token
from hexapla.auth.grant import Token
from hexapla.errors import ConfigError, Kind, UpstreamError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
BOUGHT = (200, {"access_token": "ya29", "expires_in": 3599, "token_type": "Bearer"})
PERSON = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
PRIVATE = rsa.generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
ROBOT = {
    "type": "service_account",
    "client_email": "robot@p.iam.gserviceaccount.com",
    "private_key": PEM,
    "private_key_id": "k1",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def google(folder: Path, held: object, *answers: object) -> tuple[Token, Play]:
    file = folder / "adc.json"
    file.write_text(json.dumps(held) if not isinstance(held, str) else held)
    play = Play(answers, files={str(file): file.read_bytes()})  # type: ignore[arg-type]
    return play.run(google_token({"GOOGLE_APPLICATION_CREDENTIALS": str(file)}, SCOPE, play.clock)), play


def test_a_person(tmp_path: Path) -> None:
    """gcloud's own login: a refresh; the project that pays is named with every request."""
    token, play = google(tmp_path, PERSON | {"quota_project_id": "p"}, BOUGHT)
    assert (token.secret, token.expires, token.headers) == ("ya29", play.now + 3599, (("x-goog-user-project", "p"),))
    assert play.calls[0].url == "https://oauth2.googleapis.com/token"
    assert play.fields()["refresh_token"] == "r" and play.fields()["client_secret"] == "s"


def test_a_service_account(tmp_path: Path) -> None:
    """A JWT with RS256 whose signature its public key proves, for an hour from now, with the scope inside."""
    token, play = google(tmp_path, ROBOT, BOUGHT)
    assert token.secret == "ya29"
    said = parse_qs(play.calls[0].body.decode())
    assert said["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    head, claims, signature = said["assertion"][0].split(".")
    signed = f"{head}.{claims}".encode()
    PRIVATE.public_key().verify(_decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(_decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert json.loads(_decoded(claims)) == {
        "iss": ROBOT["client_email"],
        "scope": SCOPE,
        "aud": ROBOT["token_uri"],
        "iat": int(play.now),
        "exp": int(play.now) + 3600,
    }


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_impersonation(tmp_path: Path) -> None:
    """The source's token asks for the other account's."""
    held = {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/x:generateAccessToken",
        "source_credentials": PERSON,
    }
    token, play = google(tmp_path, held, BOUGHT, (200, {"accessToken": "other", "expireTime": "2030-01-01T00:00:00Z"}))
    assert token.secret == "other"
    assert dict(play.calls[1].headers)["authorization"] == "Bearer ya29" and play.fields()["scope"] == [SCOPE]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"type": "external_account"}, "gcloud auth print-access-token"),
        ({}, "not understood"),
        ("no json", "not understood"),
        (ROBOT | {"private_key": "nonsense"}, "no PEM key"),
    ],
)
def test_credentials_that_cannot_be_used_say_what_to_do(tmp_path: Path, held: object, said: str) -> None:
    """A kind that needs another cloud, no JSON, a broken key."""
    with pytest.raises(ConfigError, match=said):
        google(tmp_path, held)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}),
            Kind.UPSTREAM_AUTH,
        ),
        ((503, HTML), Kind.UPSTREAM_ERROR),
        ((200, HTML), Kind.UPSTREAM_PROTOCOL),
    ],
)
def test_refusals(tmp_path: Path, answer: tuple[int, object], kind: Kind) -> None:
    """A login that is over, and a server that stumbles."""
    with pytest.raises(UpstreamError) as caught:
        google(tmp_path, PERSON, answer)
    assert caught.value.kind is kind and "do-not-quote-me" not in str(caught.value)


def test_the_metadata_server() -> None:
    """Plain HTTP inside Google's network, with the header that proves we mean it."""
    play = Play([BOUGHT])
    environment = {"GCE_METADATA_HOST": "127.0.0.1:1"}
    assert google_found(environment) == "metadata server"
    assert play.run(google_token(environment, SCOPE, play.clock)).secret == "ya29"
    call = play.calls[0]
    assert call.url == "http://127.0.0.1:1/computeMetadata/v1/instance/service-accounts/default/token"
    assert ("metadata-flavor", "Google") in call.headers


def test_gclouds_program(tmp_path: Path) -> None:
    """Where gcloud is logged in but has no application default credentials."""
    (tmp_path / "credentials.db").write_bytes(b"")
    environment = {"CLOUDSDK_CONFIG": str(tmp_path)}
    play = Play()
    play.printed = "ya29.program\n"
    assert google_found(environment) == "gcloud"
    token = play.run(google_token(environment, SCOPE, play.clock))
    assert token.secret == "ya29.program" and token.expires > play.now


def test_where_google_is_looked_for(tmp_path: Path) -> None:
    """The variable, then gcloud's folder; nowhere without a home."""
    assert google_file({"GOOGLE_APPLICATION_CREDENTIALS": "/a.json", "HOME": "/h"}) == "/a.json"
    assert google_file({"HOME": "/h"}) == "/h/.config/gcloud/application_default_credentials.json"
    assert google_file({"CLOUDSDK_CONFIG": "/c"}) == "/c/application_default_credentials.json"
    assert google_file({}) == ""


AZURE = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}


def test_azure_with_a_clients_secret() -> None:
    """Client credentials at the tenant's address, for the scope that the provider names."""
    play = Play([(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": "ey"})])
    token = play.run(entra_token(AZURE, "scope/.default", play.clock))
    assert (token.secret, token.bearer, token.expires) == ("ey", True, play.now + 3599)
    assert play.calls[0].url == "https://login.microsoftonline.com/t/oauth2/v2.0/token"
    assert play.fields() == {
        "grant_type": "client_credentials",
        "client_id": "c",
        "client_secret": "s",
        "scope": "scope/.default",
    }


def test_azure_through_its_cli(tmp_path: Path) -> None:
    """az says itself when the token ends."""
    (tmp_path / "azureProfile.json").write_text("{}")
    environment = {"AZURE_CONFIG_DIR": str(tmp_path)}
    play = Play()
    play.printed = json.dumps({"accessToken": "ey", "expires_on": 2_000_000_000, "tokenType": "Bearer"})
    assert entra_found(environment) == "az"
    token = play.run(entra_token(environment, "", play.clock))
    assert (token.secret, token.expires) == ("ey", 2_000_000_000)


def test_a_program_that_prints_no_token(tmp_path: Path) -> None:
    """What it printed is not quoted."""
    (tmp_path / "azureProfile.json").write_text("{}")
    play = Play()
    play.printed = "Please run az login\nsesame"
    with pytest.raises(UpstreamError, match="az account get-access-token printed no token") as caught:
        play.run(entra_token({"AZURE_CONFIG_DIR": str(tmp_path)}, "", play.clock))
    assert "sesame" not in str(caught.value)


def test_half_of_azures_variables_is_nothing() -> None:
    """All three, or the CLI."""
    assert entra_found({"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}) == ""
