"""Every packaged login, from `hexapla login` to a request that is served, against a desk that plays its vendor."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fakes.logins import HTML, Desk, running
from server.client import Heard, call
from server.running import environment, gateway
from server.wire import CHAT, PATHS, ask

ENDPOINT = '[[providers.{id}.endpoints]]\nprotocol = "openai_chat"\nbase_url = "{url}/v1"\n'
LOGIN = '[providers.{id}]\nenabled = true\n[providers.{id}.auth.login]\nhost = "{url}"\n'
COPILOT = LOGIN + '[providers.{id}.auth.exchange]\nurl = "{{host}}/copilot_internal/v2/token"\n' + ENDPOINT
EDITOR = '[providers.{id}.auth.login.request_headers]\nEditor-Version = "mine/1"\n'
GEMINI = LOGIN + 'client_id = "mine"\nclient_secret = "sesame"\ntoken = "{{host}}/token"\nrevoke = ""\n' + ENDPOINT


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running() as found:
        yield found


def configured(folder: Path, desk: Desk, provider: str, text: str = LOGIN + ENDPOINT) -> str:
    said = text.format(id=provider, url=desk.url)
    (folder / "hexapla.toml").write_text(said)
    return said


def hexapla(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hexapla", *arguments]
    env = environment(folder) | {"HEXAPLA_LANG": "en"} | more
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def log_in_by_hand(folder: Path, *arguments: str, desk: Desk, **more: str) -> str:
    """`hexapla login --headless`: read the address, play the browser, paste what it ends at.  The address."""
    command = [sys.executable, "-u", "-m", "hexapla", "login", *arguments, "--headless"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder) | {"HEXAPLA_LANG": "en"} | more,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        found = re.search(r"http\S+", process.stdout.readline())
        url = found.group() if found else ""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        desk.challenges["the-code"] = asked.get("code_challenge", "")
        back = asked.get("redirect_uri") or asked.get("callback_url", "")
        said = process.communicate(f"{back}?code=the-code&state={asked.get('state', '')}\n", timeout=30)
    assert process.returncode == 0, said
    return url


def serve(folder: Path, text: str, provider: str, model: str = "m") -> Heard:
    with gateway(folder, text) as gate:
        return call(gate.url, PATHS[CHAT], ask(CHAT, f"{provider}/{model}"))


def test_github_copilot(desk: Desk, tmp_path: Path) -> None:
    """Device code, kept, exchanged, and requests go to endpoints.api of the answer."""
    text = configured(tmp_path, desk, "github_copilot", COPILOT + EDITOR)
    done = hexapla(tmp_path, "login", "copilot", "--headless")
    assert done.returncode == 0, done.stderr
    assert "WDJB-MJHT" in done.stdout and "not a documented interface" in done.stderr
    assert desk.asked("/login/device/code")[0].fields == {"client_id": "Iv1.b507a08c87ecfe98", "scope": "read:user"}
    text = text.replace(f"{desk.url}/v1", "http://127.0.0.1:9/v1")  # a wrong base: endpoints.api stands above it
    assert serve(tmp_path, text, "github_copilot").status == 200
    sent = desk.asked("/v1/chat/completions")[0].headers
    assert sent["authorization"].startswith("Bearer copilot-") and "vscode" not in json.dumps(sent).lower()
    assert sent["editor-version"] == "mine/1"


def test_kimi_code(desk: Desk, tmp_path: Path) -> None:
    """Device code, and the CLI's own file is left alone."""
    text = configured(tmp_path, desk, "kimi_code")
    assert hexapla(tmp_path, "login", "kimi_code", "--headless").returncode == 0
    assert serve(tmp_path, text, "kimi_code").status == 200
    assert not (tmp_path / ".kimi").exists()


def test_qwens_login_works_where_a_server_still_answers(desk: Desk, tmp_path: Path) -> None:
    """With a word about its end; requests go where resource_url says."""
    text = configured(tmp_path, desk, "qwen_subscription")
    desk.answers["/api/v1/oauth2/token"] = [(200, desk.issue(resource_url=f"{desk.url}/v1"))]
    done = hexapla(tmp_path, "login", "qwen_subscription", "--headless")
    assert done.returncode == 0 and "switched this login off on 2026-04-15" in done.stderr
    text = text.replace(f"{desk.url}/v1", "http://127.0.0.1:9/v1")
    assert serve(tmp_path, text, "qwen_subscription").status == 200
    assert desk.asked("/v1/chat/completions")[0].headers["x-dashscope-authtype"] == "qwen-oauth"


def test_qwens_login_says_what_to_use_instead(desk: Desk, tmp_path: Path) -> None:
    """Where the server has gone."""
    configured(tmp_path, desk, "qwen_subscription")
    desk.answers["/api/v1/oauth2/device/code"] = [(404, HTML)]
    done = hexapla(tmp_path, "login", "qwen_subscription", "--headless")
    assert done.returncode == 1 and "BAILIAN_CODING_PLAN_API_KEY" in done.stderr.splitlines()[-1]


def test_codex_shares_the_vendors_file(desk: Desk, tmp_path: Path) -> None:
    """OpenAI's device flow; the login is in auth.json, in the vendor's shape, and what else was there stays."""
    text = configured(tmp_path, desk, "chatgpt_codex")
    file = tmp_path / ".codex/auth.json"
    file.parent.mkdir()
    file.write_text('{"OPENAI_API_KEY": "sk-own", "more": 1}')
    done = hexapla(tmp_path, "login", "codex", "--headless")
    assert done.returncode == 0, done.stderr
    assert "ABCD-1234" in done.stdout and f"{desk.url}/codex/device" in done.stdout
    said = json.loads(file.read_text())
    assert said["tokens"]["refresh_token"] == "refresh-1" and said["OPENAI_API_KEY"] == "sk-own" and said["more"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert serve(tmp_path, text, "chatgpt_codex").status == 200
    assert desk.asked("/v1/chat/completions")[0].headers["originator"] == "hexapla"
    assert hexapla(tmp_path, "logout", "codex").returncode == 0
    assert json.loads(file.read_text())["OPENAI_API_KEY"] == "sk-own"


def test_codex_reads_what_the_vendors_program_left(desk: Desk, tmp_path: Path) -> None:
    """Its login serves; a refresh is written back with the account, and asked for as JSON."""
    text = configured(tmp_path, desk, "chatgpt_codex")
    tokens = {"id_token": "", "access_token": "stale", "refresh_token": "refresh-0", "account_id": "acct-7"}
    desk.refreshable = "refresh-0"
    file = tmp_path / ".codex/auth.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"auth_mode": "chatgpt", "tokens": tokens, "last_refresh": "2026-01-01T00:00:00Z"}))
    assert serve(tmp_path, text, "chatgpt_codex").status == 200
    assert desk.asked("/v1/chat/completions")[-1].headers["chatgpt-account-id"] == "acct-7"
    asked = desk.asked("/oauth/token")[0]
    assert asked.headers["content-type"] == "application/json" and asked.fields["refresh_token"] == "refresh-0"
    said = json.loads(file.read_text())
    assert said["tokens"] == tokens | {"access_token": "access-1", "refresh_token": "refresh-1"}
    assert said["auth_mode"] == "chatgpt"


def test_codex_in_the_browser(desk: Desk, tmp_path: Path) -> None:
    """The parameters of the authorization page are the vendor's; the name is ours."""
    configured(tmp_path, desk, "chatgpt_codex", LOGIN + 'device = ""\n' + ENDPOINT)
    said = log_in_by_hand(tmp_path, "chatgpt_codex", desk=desk)
    for part in ("id_token_add_organizations=true", "codex_cli_simplified_flow=true", "originator=hexapla"):
        assert part in said
    assert "redirect_uri=http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback" in said
    assert "scope=openid%20profile%20email%20offline_access" in said


def test_gitlab(desk: Desk, tmp_path: Path) -> None:
    """A browser's login is exchanged for direct access; the headers of the answer go along, but for x-api-key."""
    text = configured(tmp_path, desk, "gitlab_duo")
    log_in_by_hand(tmp_path, "gitlab_duo", desk=desk)
    assert serve(tmp_path, text, "gitlab_duo").status == 200
    sent = desk.asked("/v1/chat/completions")[0].headers
    assert sent["authorization"].startswith("Bearer direct-") and sent["x-gitlab-realm"] == "saas"
    assert sent["x-gitlab-instance-id"] == "i1"
    assert "x-api-key" not in sent
    assert desk.asked("/api/v4/ai/third_party_agents/direct_access")[0].fields == {
        "feature_flags": {"DuoAgentPlatformNext": True}
    }


def test_gitlab_with_a_personal_access_token(desk: Desk, tmp_path: Path) -> None:
    """GITLAB_TOKEN is enough, at the instance that GITLAB_INSTANCE_URL names."""
    desk.good.add("glpat-1")
    text = ENDPOINT.format(id="gitlab_duo", url=desk.url)
    (tmp_path / ".env").write_text(f"GITLAB_TOKEN=glpat-1\nGITLAB_INSTANCE_URL={desk.url}\n")
    assert serve(tmp_path, text, "gitlab_duo").status == 200
    asked = desk.asked("/api/v4/ai/third_party_agents/direct_access")
    assert asked[0].headers["authorization"] == "Bearer glpat-1"


def test_an_enterprise_url_stays_with_the_login(desk: Desk, tmp_path: Path) -> None:
    """Login and exchange both go to the instance that was named."""
    text = ENDPOINT.format(id="gitlab_duo", url=desk.url)
    (tmp_path / "hexapla.toml").write_text(text)
    url = log_in_by_hand(tmp_path, "gitlab_duo", "--enterprise-url", desk.url, desk=desk)
    assert url.startswith(f"{desk.url}/oauth/authorize")
    assert serve(tmp_path, text, "gitlab_duo").status == 200


def test_openrouters_key(desk: Desk, tmp_path: Path) -> None:
    """PKCE without a client gives a key that never ends; the state stands in the path, for no state is given back."""
    text = configured(tmp_path, desk, "openrouter")
    said = log_in_by_hand(tmp_path, "openrouter", desk=desk)
    assert "client_id" not in said and "response_type" not in said and "callback_url=http%3A%2F%2Flocalhost" in said
    assert set(desk.asked("/api/v1/auth/keys")[0].fields) == {"code", "code_verifier", "code_challenge_method"}
    assert serve(tmp_path, text, "openrouter").status == 200


def test_gemini_with_an_oauth_client_of_ones_own(desk: Desk, tmp_path: Path) -> None:
    """Google's way for other programs: offline access, and the project that pays is named."""
    text = configured(tmp_path, desk, "gemini", GEMINI)
    said = log_in_by_hand(tmp_path, "gemini", desk=desk, GOOGLE_CLOUD_PROJECT="p1")
    assert "access_type=offline" in said and "client_id=mine" in said
    assert desk.asked("/token")[0].fields["client_secret"] == "sesame"
    (tmp_path / ".env").write_text("GOOGLE_CLOUD_PROJECT=p1\n")
    assert serve(tmp_path, text, "gemini").status == 200
    sent = desk.asked("/v1/chat/completions")[0].headers
    assert sent["authorization"].startswith("Bearer ") and sent["x-goog-user-project"] == "p1"


def test_gemini_without_a_client_says_where_to_get_one(tmp_path: Path) -> None:
    """The Gemini CLI's may not be used."""
    done = hexapla(tmp_path, "login", "gemini", "--headless")
    assert done.returncode == 2 and "GEMINI_OAUTH_CLIENT_ID" in done.stderr


def test_vertex_through_application_default_credentials(desk: Desk, tmp_path: Path) -> None:
    """A person's credentials of gcloud: a Bearer, the right path, and the project that pays."""
    file = tmp_path / ".config/gcloud/application_default_credentials.json"
    file.parent.mkdir(parents=True)
    held = {
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": "r",
        "quota_project_id": "q",
    }
    file.write_text(json.dumps(held | {"token_uri": f"{desk.url}/cloud/token"}))
    assert serve(tmp_path, ENDPOINT.format(id="vertex_anthropic", url=desk.url), "vertex_anthropic").status == 200
    sent = desk.asked("/v1/chat/completions")[0].headers
    assert sent["authorization"] == "Bearer access-1" and sent["x-goog-user-project"] == "q"
    assert desk.asked("/cloud/token")[0].fields["grant_type"] == "refresh_token"


def test_azure_through_entra(desk: Desk, tmp_path: Path) -> None:
    """A client's secret buys a Bearer; the key's own header is not used for it."""
    names = {"TENANT_ID": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "AUTHORITY_HOST": desk.url}
    (tmp_path / ".env").write_text("".join(f"AZURE_{name}={value}\n" for name, value in names.items()))
    assert serve(tmp_path, ENDPOINT.format(id="azure_openai", url=desk.url), "azure_openai").status == 200
    sent = desk.asked("/v1/chat/completions")[0].headers
    assert sent["authorization"] == "Bearer access-1" and "api-key" not in sent
    assert desk.asked("/t/oauth2/v2.0/token")[0].fields["scope"] == "https://cognitiveservices.azure.com/.default"


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        ("claude_subscription", "start `claude` with its own login"),
        ("gemini_subscription", "use provider gemini"),
        ("github_copilot", "enabled = true"),
        ("chatgpt_codex", "enabled = true"),
        ("openai", "set OPENAI_API_KEY"),
        ("nobody", "Logins exist for: "),
    ],
)
def test_logins_that_are_not_made(tmp_path: Path, provider: str, reason: str) -> None:
    """Forbidden, off until allowed, not there: each says why and what to do, and asks nobody."""
    done = hexapla(tmp_path, "login", provider, "--headless")
    assert done.returncode == 2 and reason in done.stderr and "Traceback" not in done.stderr


def test_status_and_logout(desk: Desk, tmp_path: Path) -> None:
    """Source, expiry and quota; afterwards the file is gone, and logging out again says so."""
    configured(tmp_path, desk, "kimi_code", LOGIN + ENDPOINT.replace("/v1", ""))
    assert hexapla(tmp_path, "login", "kimi_code", "--headless").returncode == 0
    desk.answers["/usages"] = [(200, {"usage": {"used": 3, "limit": 10}})]
    shown = json.loads(hexapla(tmp_path, "auth", "status", "--json", GROQ_API_KEY="gsk-secret").stdout)
    by_provider = {each["provider"]: each for each in shown}
    kimi = by_provider["kimi_code"]
    assert kimi["kind"] == "login" and kimi["renews"] and kimi["quota"] == {"used": 3, "limit": 10}
    assert 3500 < kimi["expires"] - time.time() <= 3600
    assert by_provider["groq"]["name"] == "GROQ_API_KEY"
    table = hexapla(tmp_path, "auth", "status", "--offline", GROQ_API_KEY="gsk-secret", HEXAPLA_LANG="zh").stdout
    assert "自动续期" in table and "gsk-secret" not in table and "access-" not in table
    assert "Logged out" in hexapla(tmp_path, "logout", "kimi_code").stdout
    assert "no login here" in hexapla(tmp_path, "logout", "kimi_code").stdout
    assert not list((tmp_path / ".local/state/hexapla/credentials").glob("*.json"))
