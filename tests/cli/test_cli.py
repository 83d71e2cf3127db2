"""The command line as a person meets it: a process with arguments, output and an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from hexapla.cli.commands.chat import _print
from hexapla.cli.main import main
from hexapla.cli.parser import COMMANDS, build_parser
from hexapla.cli.words import WORDS, Say, language
from hexapla.errors import Kind, UpstreamError

QUIET = """
ledger = { path = "ledger.db" }
"""


def hexapla(*arguments: str, cwd: Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HEXAPLA_LANG": "en", "XDG_STATE_HOME": str(cwd), **environment}
    command = [sys.executable, "-m", "hexapla", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "hexapla.toml").write_text(QUIET.replace("ledger.db", str(tmp_path / "ledger.db")))
    return tmp_path


def test_every_word_exists_in_both_languages() -> None:
    """Each key has an English and a Chinese text, and every option's help has its words."""
    assert all(len(texts) == 2 and all(texts) for texts in WORDS.values())
    assert {option.word for options in COMMANDS.values() for option in options} <= set(WORDS)
    assert set(COMMANDS) <= set(WORDS)


@pytest.mark.parametrize("locale", ["zh_CN.UTF-8", "en_US.UTF-8", ""])
def test_help_speaks_the_users_language(locale: str) -> None:
    """$LANG decides; anything but Chinese is English."""
    said = build_parser(Say(language({"LANG": locale}))).format_help()
    assert ("网关" in said) == locale.startswith("zh")
    assert ("选项:" in said and "参数:" in said and "options:" not in said) == locale.startswith("zh")


def test_help_is_instant(place: Path) -> None:
    """`hexapla --help` starts, prints and ends in 150 ms; the best of five runs, as other work shares the machine."""
    env = {**os.environ, "HEXAPLA_LANG": "en"}
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "hexapla", "--help"], env=env, capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.15


def test_chat_answers_and_is_booked(place: Path) -> None:
    """A question is answered on standard output and stands in the ledger afterwards."""
    done = hexapla("chat", "-m", "demo/echo", "Hello", cwd=place)
    assert done.returncode == 0 and done.stdout == "You said: Hello\n"
    rows = json.loads(hexapla("usage", "--recent", "5", "--json", cwd=place).stdout)
    assert [row["provider"] for row in rows] == ["demo"]
    by_model = json.loads(hexapla("usage", "--by", "model", "--json", cwd=place).stdout)
    assert by_model[0]["requests"] == 1


def test_chat_takes_words_without_quotes(place: Path) -> None:
    """Several words are one question, as if they stood in quotes."""
    done = hexapla("chat", "-m", "demo/echo", "hello", "world", cwd=place)
    assert done.returncode == 0 and done.stdout == "You said: hello world\n"


def test_chat_reads_standard_input_and_prints_json(place: Path) -> None:
    """`-` takes the prompt from a pipe; --json gives the whole story."""
    said = json.loads(hexapla("chat", "-m", "demo/echo", "--json", "-", cwd=place, stdin="from a pipe").stdout)
    assert said["text"] == "You said: from a pipe" and said["provider"] == "demo"


def test_a_conversation_ends_with_an_empty_line(place: Path) -> None:
    """Without a prompt a conversation starts; each line is a turn."""
    done = hexapla("chat", "-m", "demo/echo", cwd=place, stdin="one\ntwo\n\n")
    assert done.returncode == 0 and done.stdout.count("You said:") == 2


def test_without_a_command_it_says_what_there_is(place: Path) -> None:
    done = hexapla(cwd=place)
    assert done.returncode == 0 and "serve" in done.stdout and done.stderr == ""


def test_what_the_terminal_cannot_show_is_no_failure(place: Path) -> None:
    """A terminal that knows ASCII alone gets the rest of what is said."""
    done = hexapla("chat", "-m", "demo/echo", "你好", cwd=place, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stdout == "You said: ??\n"


def test_a_reader_that_leaves_ends_it_quietly(place: Path) -> None:
    """`hexapla chat ... | true`: nobody is left to hear a complaint."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "hexapla", "chat", "-m", "demo/echo", "--json", "hi"]
    done = subprocess.run(command, cwd=place, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 0 and done.stderr == ""


def test_an_interrupt_while_it_starts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Loading a command takes a quarter of a second, in which people change their minds."""

    def load(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", load)
    assert main(["models"]) == 130 and "Traceback" not in capsys.readouterr().err


def test_models_and_providers_are_listed(place: Path) -> None:
    """Tables for people, JSON for programs, a filter for both."""
    assert "demo/echo" in hexapla("models", "demo", cwd=place).stdout
    listed = json.loads(hexapla("models", "--json", "demo/echo", cwd=place).stdout)
    assert listed[0]["name"] and listed[0]["context"] == 100000
    providers = json.loads(hexapla("providers", "--json", cwd=place).stdout)
    assert next(row for row in providers if row["id"] == "demo")["usable"]


def test_profiles_are_listed(place: Path) -> None:
    """With their models and slots, and whether they can be asked."""
    with (place / "hexapla.toml").open("a") as file:
        file.write('[profiles.work]\nprovider = "demo"\nmodel = "tools"\nhaiku = "echo"\nbackups = ["demo/slow"]\n')
        file.write('[profiles.keyless]\nmodel = "deepseek/deepseek-chat"\n')
    rows = {row["name"]: row for row in json.loads(hexapla("profiles", "--json", cwd=place).stdout)}
    assert rows["work"]["models"] == {"default": "demo/tools", "haiku": "demo/echo"}
    assert {name: row["ready"] for name, row in rows.items()} == {"claude": True, "work": True, "keyless": False}
    shown = hexapla("profiles", "wor", cwd=place).stdout
    assert "demo/slow" in shown and "keyless" not in shown


def test_explain_inside_a_profile(place: Path) -> None:
    """What Claude Code's background request would become."""
    with (place / "hexapla.toml").open("a") as file:
        file.write('[profiles.work]\nmodel = "demo/tools"\nhaiku = "demo/echo"\n')
    request = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    (place / "r.json").write_text(json.dumps(request))
    shown = hexapla("explain", "r.json", "--dialect", "anthropic_messages", "--profile", "work", "--json", cwd=place)
    assert json.loads(shown.stdout)["model"] == "echo"


def test_explain_sends_nothing_and_shows_losses(place: Path) -> None:
    """A Messages body for a Chat endpoint: the lane, the losses and the body that would be sent, without the key."""
    (place / "hexapla.toml").write_text(
        "[providers.local]\nauth = { key = 'sk-secret' }\n[[providers.local.endpoints]]\n"
        "protocol = 'openai_chat'\nbase_url = 'http://127.0.0.1:1/v1/chat/completions'\n"
    )
    body = {
        "model": "local/m",
        "max_tokens": 9,
        "system": "S",
        "messages": [{"role": "user", "content": "hi"}],
        "context_management": {"edits": []},
    }
    (place / "r.json").write_text(json.dumps(body))
    done = hexapla("explain", "r.json", "--json", cwd=place)
    said = json.loads(done.stdout)
    assert said["lane"] == "hub" and said["url"] == "http://127.0.0.1:1/v1/chat/completions"
    assert said["body"]["messages"][0] == {"role": "system", "content": "S"}
    assert any("context_management" in loss["field"] for loss in said["losses"])
    assert "sk-secret" not in done.stdout + hexapla("explain", "r.json", cwd=place).stdout


def test_explain_says_why(place: Path) -> None:
    """Everybody who would be tried, in order, and who was left out; in both languages."""
    body = {"model": "demo/fast", "provider": {"sort": "price"}, "messages": [{"role": "user", "content": "hi"}]}
    (place / "r.json").write_text(json.dumps(body))
    shown = json.loads(hexapla("explain", "r.json", "--json", cwd=place).stdout)["route"]
    assert shown["candidates"][0]["provider"] == "demo" and shown["candidates"][0]["lane"] == "verbatim"
    assert "Why: nobody else offers it." in hexapla("explain", "r.json", cwd=place).stdout
    chinese = hexapla("explain", "r.json", cwd=place, HEXAPLA_LANG="zh").stdout
    assert "原因" in chinese and "\n   供应商  demo\n     模型  " in chinese, "signs that take two places stand in line"


def test_explain_shows_what_a_fallback_is_asked_otherwise(place: Path) -> None:
    """Beside its name."""
    entry = {"model": "demo/slow", "max_tokens": 5, "output_config": {"effort": "high"}}
    body = {
        "model": "demo/echo",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "fallbacks": [entry],
    }
    (place / "r.json").write_text(json.dumps(body))
    said = hexapla("explain", "r.json", cwd=place).stdout
    assert "demo/slow (max_tokens, output_config)" in said and "demo/echo  " in said


def test_explain_shows_an_example_that_works(place: Path) -> None:
    """Who names a model instead of a file reads what to type, to the letter."""
    example = hexapla("explain", "demo/echo", cwd=place).stderr.split("echo '")[1].split("' | hexapla explain -")[0]
    assert json.loads(hexapla("explain", "-", "--json", cwd=place, stdin=example).stdout)["model"] == "echo"


def test_explain_speaks_gemini(place: Path) -> None:
    """Its body names no model; -m does.  What looks like markup is text."""
    (place / "g.json").write_text('{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}')
    said = hexapla("explain", "g.json", "-m", "demo/[bold]x", cwd=place).stdout
    assert "gemini_generate" in said and "[bold]x" in said


def test_usage_is_told_in_the_users_language(place: Path) -> None:
    """Column heads as well; ids whole, because one is needed to ask for a record."""
    hexapla("chat", "-m", "demo/echo", "Hello", cwd=place)
    assert "缓存命中" in hexapla("usage", cwd=place, HEXAPLA_LANG="zh").stdout
    narrow = hexapla("usage", "--recent", "1", cwd=place, COLUMNS="60").stdout
    (row,) = json.loads(hexapla("usage", "--recent", "1", "--json", cwd=place).stdout)
    assert row["id"] in narrow


def test_an_answer_that_breaks_off_ends_its_line(place: Path) -> None:
    """The error stands on a line of its own, below what had come."""

    class Breaks:
        async def __aiter__(self) -> AsyncIterator[str]:
            yield "Hel"
            raise UpstreamError(Kind.UPSTREAM_TRUNCATED, "cut")

    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(UpstreamError):
        asyncio.run(_print(cast(Any, Breaks()), Console(file=io.StringIO()).status("thinking")))
    assert said.getvalue() == "Hel\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("chat", "-m", "nobody/nothing", "x"), 1, "not known"),
        (("chat", "-m", "demo/error-400", "x"), 1, "asked to fail"),
        (("chat", "-m", "demo/echo", "-i", "missing.png", "x"), 1, "cannot be read"),
        (("explain", "missing.json"), 2, "cannot be read"),
        (("explain", "demo/echo"), 2, "wants a file with a request body"),
        (("explain", "/dev/null"), 1, "request body is empty"),
        (("models", "--config", "missing.toml"), 2, "does not exist"),
        (("nonsense",), 2, "invalid choice"),
        (("serve", "--host", "0.0.0.0"), 2, "without keys"),
    ],
)
def test_mistakes_are_one_clear_line(place: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    """A mistake gives its reason and an exit code, never a traceback."""
    done = hexapla(*arguments, cwd=place)
    assert done.returncode == code and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("login",), "缺少参数：PROVIDER"),
        (("--nope",), "不认识的参数：--nope"),
        (("connect", "claude", "--write", "--undo"), "参数 --undo：不能与 --write 同用"),
        (("nonsense",), "参数 命令：'nonsense' 不在可选值之中"),
        (("run", "vim"), "参数 tool：'vim' 不在可选值之中"),
        (("serve", "--port", "x"), "参数 --port：'x' 不是整数"),
        (("chat", "--temperature", "x"), "参数 --temperature：'x' 不是数字"),
        (("chat", "-m"), "参数 -m/--model：需要一个值"),
        (("catalog", "--from"), "参数 --from：至少需要一个值"),
        (("connect", "claude", "--url", "here"), "参数 --url：应以 http:// 或 https:// 开头，而不是 here"),
        (("models", "--bogus"), "不认识的参数：--bogus"),
        (("models", "--al=1"), "参数 -a/--all：此选项不带值：'1'"),
        (("connect", "claude", "--w"), "--w 不明确，可能是 --write, --wait"),
    ],
)
def test_a_wrong_command_line_is_told_in_chinese(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a word of argparse's own is left."""
    monkeypatch.setenv("HEXAPLA_LANG", "zh")
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    said = capsys.readouterr().err
    assert caught.value.code == 2 and words in said and said.startswith("用法：")
    assert not re.search("error|argument|invalid|usage:|choose|required", said)


def test_a_complaint_that_is_not_known_stays() -> None:
    """Better in English than not at all."""
    assert Say("zh").complaint("argument x: something new") == "参数 x：something new"
    assert Say("en").complaint("argument x: invalid int value: 'y'") == "argument x: invalid int value: 'y'"


def test_errors_of_the_configuration_name_file_line_and_key(place: Path) -> None:
    """A misspelt key is found, with what was probably meant."""
    (place / "hexapla.toml").write_text("[server]\nprot = 1\n")
    done = hexapla("models", cwd=place)
    assert done.returncode == 2 and "hexapla.toml:2" in done.stderr and "'port'" in done.stderr


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize("command", ["models", "providers", "profiles"])
def test_a_list_with_nothing_in_it_is_no_failure(command: str, more: tuple[str, ...], place: Path) -> None:
    """Said in words or as JSON, as `gh` and `kubectl get` have it."""
    heard = hexapla(command, "no-such-name", *more, cwd=place)
    assert (heard.returncode, heard.stderr) == (0, "")
    assert heard.stdout == "[]\n" if more else heard.stdout.strip()


@pytest.mark.parametrize(
    "arguments",
    [
        ("usage", "--days", "-1"),
        ("usage", "--days", "nan"),
        ("usage", "--recent", "0"),
        ("models", "--context", "-1"),
        ("models", "--max-price", "inf"),
        ("chat", "--max-tokens", "0", "Hi"),
        ("chat", "--temperature", "nan", "Hi"),
        ("connect", "claude", "--wait", "-1"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        build_parser(Say("zh")).parse_args(arguments)
    assert end.value.code == 2 and "应不小于" in capsys.readouterr().err


@pytest.mark.parametrize("redirected", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_is_closed_is_an_empty_one(redirected: str, place: Path) -> None:
    line = f"{sys.executable} -m hexapla chat -m demo/echo - {redirected}"
    heard = subprocess.run(
        ["/bin/sh", "-c", line], cwd=place, input="Hi", capture_output=True, text=True, timeout=60, check=False
    )
    assert (heard.returncode, heard.stderr) == (0, "")


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_full_disk_is_one_line(more: tuple[str, ...], place: Path) -> None:
    with Path("/dev/full").open("w") as full:
        heard = subprocess.run(
            [sys.executable, "-m", "hexapla", "models", "demo", *more],
            cwd=place,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert heard.returncode == 1 and heard.stderr.startswith("hexapla: error: ") and heard.stderr.count("\n") == 1


def _hears_interrupts() -> None:
    """What runs in the background, as tests may, was started deaf to them, and so is whatever it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_conversation_ends_on_an_interrupt(place: Path) -> None:
    """While it waits for a line, too."""
    master, slave = os.openpty()
    talk = subprocess.Popen(
        [sys.executable, "-m", "hexapla", "chat", "-m", "demo/echo"],
        cwd=place,
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hears_interrupts,  # noqa: PLW1509 - nothing else runs here
    )
    assert talk.stderr
    with talk, talk.stderr:
        heard = ""
        try:
            while "you> " not in heard:
                heard += talk.stderr.read(1)
            talk.send_signal(signal.SIGINT)
            assert talk.wait(30) == 130
        finally:
            talk.kill()
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("chat", "-m", "nobody/nothing", "x"), "没有名为 'nobody/nothing' 的模型"),
        (("chat", "-m", "demo/echo", "-i", "missing.png", "x"), "无法读取图片 missing.png：没有那个文件或目录"),
        (("explain", "missing.json"), "没有那个文件或目录"),
        (("explain", "/dev/null"), "请求体为空"),
        (("serve", "--host", "0.0.0.0"), "没有密钥就监听 0.0.0.0"),
        (("serve", "--port", "99999"), "99999 不是端口"),
        (("models", "--config", "missing.toml"), "missing.toml: 此配置文件不存在"),
        (
            ("models", "--config", "wrong.toml"),
            "wrong.toml:2: server.prot: 这里没有名为 'prot' 的设置。是否想写 'port'？",
        ),
        (("doctor", "nobody"), "没有名为 'nobody' 的供应商"),
        (("login", "nobody"), "没有名为 'nobody' 的供应商"),
        (("connect", "claude", "--undo"), "无可撤销"),
    ],
)
def test_errors_are_told_in_chinese(
    arguments: tuple[str, ...],
    words: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (place / "wrong.toml").write_text("[server]\nprot = 1\n")
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("HEXAPLA_LANG", "zh")
    assert main(arguments) in (1, 2)
    said = capsys.readouterr().err
    assert said.startswith("hexapla: 错误: ") and words in said
