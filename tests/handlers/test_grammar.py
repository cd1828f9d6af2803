"""What is a command, what is prose, and what a wrong command is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal
from bot.handlers.fields import DESCRIPTION_CAP
from bot.handlers.grammar import parse_comment
from bot.handlers.help import help_of
from bot.handlers.provision import example, parse_request
from bot.handlers.table import COMMANDS, commands_page
from bot.model.command import (
    Cancel,
    Change,
    Command,
    Destroy,
    Explain,
    FolderTarget,
    Help,
    Provision,
    Refine,
    RepoTarget,
    Retry,
    Status,
)
from bot.rendering.question import LONGEST, provision_command

HOSTS = ("github.com",)
REPO = "https://github.com/myorg/supermarket-inventory"
GOOD = f'/ai-provision\n\ngit_repo: "{REPO}"\napp_description: "2000 QPS peak, zero downtime"\n'
DOCS = Path(__file__).parents[2] / "docs"


def parse(body: str) -> object:
    return parse_comment(body, hosts=HOSTS)


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        "\n\n  \n" + GOOD,
        GOOD.replace('"', "'"),
        GOOD.replace('"', ""),
        GOOD.replace("/ai-provision", "/ai-provision   "),
        GOOD.replace("\n\n", "\n"),
        GOOD + "\n\n\n",
        GOOD + "# a YAML comment\n",
        f"/ai-provision\ngit_repo: {REPO}.git\napp_description: >\n  2000 QPS peak,\n  zero downtime\n",
        GOOD.replace(REPO, REPO + "/"),
        GOOD.replace("https://github.com", "HTTPS://GitHub.com"),
    ],
    ids=[
        "as-documented", "crlf", "bom", "blank-lines-before", "single-quotes", "plain", "trailing-spaces", "no-blank-line",
        "blank-lines-after", "yaml-comment", "folded-block", "trailing-slash", "upper-case-host",
    ],
)  # fmt: skip
def test_a_right_command(body: str) -> None:
    command = parse(body)
    assert isinstance(command, Provision), command
    assert command.target == RepoTarget(host="github.com", owner="myorg", name="supermarket-inventory")
    assert command.app_description == "2000 QPS peak, zero downtime"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (f"git_repo: {REPO}\napp_description: 200 QPS # C# service", "200 QPS # C# service"),
        (f"git_repo: {REPO} # ours\n# the load\napp_description: '200 QPS' # now", "200 QPS"),
        (f"git_repo: {REPO}\napp_description: > # folded\n  200 QPS # peak\n", "200 QPS # peak"),
    ],
    ids=["plain", "quoted", "folded"],
)
def test_no_word_of_a_description_is_taken_for_a_comment(lines: str, words: str) -> None:
    command = parse(f"/ai-provision\n{lines}")
    assert isinstance(command, Provision), command
    assert command.app_description == words


@pytest.mark.parametrize(
    "value", ["yes", "12", "1e3", "2024-01-01", "true", "0x10", "22:22"], ids=lambda value: f"value-{value}"
)
def test_values_are_text_whatever_yaml_makes_of_them(value: str) -> None:
    command = parse(f"/ai-provision\ngit_repo: {REPO}\napp_description: {value}")
    assert isinstance(command, Provision)
    assert command.app_description == value


PROSE = {
    "C03-fence": f"```\n{GOOD}```",
    "C03-tilde-fence": f"~~~text\n{GOOD}~~~",
    "C03-indented": "    /ai-provision",
    "C03-one-space": " /ai-provision",
    "C03-tab": "\t/ai-help",
    "C03-quote": "> " + GOOD.replace("\n", "\n> "),
    "C03-inline-code": "`/ai-provision`",
    "C03-html-comment": f"<!--\n{GOOD}-->",
    "C03-details": f"<details>\n\n{GOOD}\n</details>",
    "C03-email-reply": f"On Monday, ada wrote:\n> {GOOD}",
    "C03-second-line": f"Please:\n{GOOD}",
    "C03-list": "- /ai-help",
    "C03-bold": "**/ai-help**",
    "C03-zero-width": "\u200b/ai-help",
    "C03-rtl": "\u202e/ai-help",
    "C03-homoglyph": "/\u0430i-help",
    "C03-fullwidth": "\uff0fai-help",
    "C03-upper-case": GOOD.replace("/ai-provision", "/AI-PROVISION"),
    "C03-longer-word": "/ai-provisioning is great",
    "C03-joined": "/ai-provision:git_repo",
    "C03-path": "/ai-help/me",
    "C03-other-bot": "/retest",
    "C03-prose": "we use /ai-provision here",
    "C03-empty": "",
    "C03-blank": "\n \n",
    "C03-unknown": "/ai-sing a song",
}


@pytest.mark.parametrize("body", PROSE.values(), ids=PROSE.keys())
def test_prose_is_silence(body: str) -> None:
    assert parse(body) is None


def two(first: str, second: str) -> str:
    return f"/ai-provision\n\n{first}\n{second}\n"


REPO_LINE, TEXT_LINE = f'git_repo: "{REPO}"', 'app_description: "200 QPS"'
WRONG = {
    "C06-unknown-key": (two(REPO_LINE, TEXT_LINE) + "replicas: 5\n", "`replicas`"),
    "C06-misspelt-key": (two(f'git-repo: "{REPO}"', TEXT_LINE), "did you mean `git_repo`"),
    "C06-missing-value": (two("git_repo:", TEXT_LINE), "`git_repo`"),
    "C06-empty-value": (two('git_repo: ""', TEXT_LINE), "`git_repo`"),
    "C06-null-value": (two(REPO_LINE, "app_description: null"), "`app_description`"),
    "C06-missing-key": (f"/ai-provision\n{REPO_LINE}\n", "`app_description`"),
    "C06-nothing": ("/ai-provision\n", "`git_repo`"),
    "C06-duplicate-key": (two(REPO_LINE, TEXT_LINE) + REPO_LINE, "`git_repo`"),
    "C06-wrong-order": (two(TEXT_LINE, REPO_LINE), "before"),
    "C06-64kB": (two(REPO_LINE, f'app_description: "{"x" * 65_536}"'), "`app_description`"),
    "C06-5kB": (two(REPO_LINE, f'app_description: "{"x" * 5_000}"'), "`app_description`"),
    "C06-shell": (two(REPO_LINE, TEXT_LINE) + "key=$(id)\n", "`key`"),
    "C06-shell-only": ("/ai-provision\nkey=$(id)\n", "`key`"),
    "C06-flag": (two(REPO_LINE, TEXT_LINE) + "--flag\n", "`--flag`"),
    "C06-flag-behind": (GOOD.replace("/ai-provision", "/ai-provision --apply"), "`--apply`"),
    "C06-words-behind": (GOOD.replace("/ai-provision", "/ai-provision now"), "`now`"),
    "C06-newline-in-repo": (two(f'git_repo: "{REPO}\\nx"', TEXT_LINE), "`git_repo`"),
    "C06-newline-in-text": (two(REPO_LINE, 'app_description: "a\\nb"'), "`app_description`"),
    "C06-literal-block": (two(REPO_LINE, "app_description: |\n  a\n  b"), "`app_description`"),
    "C06-nul": (two(REPO_LINE, 'app_description: "a\\0b"'), "`app_description`"),
    "C06-bidi": (two(REPO_LINE, 'app_description: "a\\u202eb"'), "`app_description`"),
    "C06-list": (two("- git_repo", "- app_description"), "`git_repo`"),
    "C06-flow-mapping": (f'/ai-provision\n{{git_repo: "{REPO}", app_description: "x"}}', "`git_repo`"),
    "C06-flow-value": (two(REPO_LINE, "app_description: [a, b]"), "`app_description`"),
    "C06-nested": (two(REPO_LINE, "app_description:\n  deep: er"), "`app_description`"),
    "C06-anchor": (two(f"git_repo: &a {REPO}", "app_description: *a"), "`git_repo`"),
    "C06-tag": (two(REPO_LINE, "app_description: !!python/object/apply:os.system [id]"), "`app_description`"),
    "C06-merge": (two("<<: {a: b}", TEXT_LINE), "`"),
    "C06-two-documents": (two(REPO_LINE, TEXT_LINE) + "---\na: b\n", "below"),
    "C06-document-start": ("/ai-provision\n---\n" + REPO_LINE + "\n" + TEXT_LINE, "`git_repo`"),
    "C06-fenced-fields": (f"/ai-provision\n```yaml\n{REPO_LINE}\n{TEXT_LINE}\n```", "`"),
    "C06-unclosed-quote": (two(REPO_LINE, 'app_description: "open'), "`app_description`"),
    "C06-deep": (two(REPO_LINE, "app_description: " + "[" * 5_000), "`app_description`"),
    "C06-directive": ("/ai-provision\n%YAML 1.2\n---\n" + REPO_LINE, "`"),
    "C06-typing-mistake": (GOOD.replace("/ai-provision", "/ai-provison"), "/ai-provision"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "names"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_names_the_key_and_shows_the_right_form(body: str, names: str) -> None:
    refusal = parse(body)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.code == "syntax"
    assert names in refusal.message
    assert len(refusal.message) < 300
    assert refusal.example is not None
    assert isinstance(parse(refusal.example), Provision)


def test_what_was_right_is_kept_in_the_example() -> None:
    refusal = parse(two(REPO_LINE, TEXT_LINE) + "extra: 1")
    assert isinstance(refusal, Refusal)
    assert REPO in (refusal.example or "")
    assert "200 QPS" in (refusal.example or "")


@pytest.mark.parametrize("words", ['say "yes" \\ no', "50 % of: all # things", "'single'", "💡 ideas"])
def test_the_example_is_always_a_right_command(words: str) -> None:
    command = parse(example(REPO, words))
    assert isinstance(command, Provision)
    assert command.app_description == words


def readable(text: str) -> bool:
    return bool(text.strip()) and all(letter.isprintable() for letter in text)


@given(st.text(max_size=200).filter(readable))
def test_the_command_of_an_answer_is_read_back_whatever_the_description_holds(words: str) -> None:
    for text in (f"{words} [qps=500]", f'"{words}\\" [qps=500]', f"```{words}``` # x: y [qps=500]"):
        command = parse(provision_command(REPO, text))
        assert isinstance(command, Provision), command
        assert command.app_description == text.strip()


def test_an_answer_is_only_added_where_the_description_is_still_read() -> None:
    assert LONGEST == DESCRIPTION_CAP


def test_the_other_commands() -> None:
    assert parse("/ai-help") == Help()
    assert parse("/ai-refine replicas=5") == Refine(changes=(Change(key="replicas", value="5"),))
    assert parse("/ai-explain api cpu") == Explain(about="api cpu")
    assert parse("/ai-status\nthanks") == Status()
    assert parse("/ai-cancel") == Cancel()
    assert parse("/ai-retry") == Retry()
    assert parse("/ai-destroy shop") == Destroy(app="shop")
    assert parse("/ai-destroy shop data") == Destroy(app="shop", data=True)


@pytest.mark.parametrize("words", ["", "shop now", "shop data please", "Shop", "../x", "shop --data", "a" * 60])
def test_a_removal_names_one_folder_and_perhaps_its_data(words: str) -> None:
    read = parse(f"/ai-destroy {words}".rstrip())
    assert isinstance(read, Refusal)
    assert read.example == "/ai-destroy supermarket-inventory"


@given(st.text(max_size=300))
def test_any_text_is_a_command_a_refusal_or_silence(text: str) -> None:
    for body in (text, f"/ai-provision\n{text}", two(REPO_LINE, f"app_description: {text}")):
        result = parse(body)
        assert result is None or isinstance(result, Command | Refusal)


@pytest.mark.parametrize(
    ("given_repo", "target"),
    [
        (".", FolderTarget(folder=".")),
        ("/srv/app", FolderTarget(folder="/srv/app")),
        ("../app", FolderTarget(folder="../app")),
        (REPO, RepoTarget(host="github.com", owner="myorg", name="supermarket-inventory")),
    ],
)
def test_the_command_line_also_takes_folders(given_repo: str, target: object) -> None:
    command = parse_request(given_repo, "200 QPS", hosts=HOSTS, folders=True)
    assert isinstance(command, Provision)
    assert command.target == target


@pytest.mark.parametrize(
    "given_repo", ["", "file:///etc", "ssh://x/y", "git@host:x/y", "ext::sh -c id", "--upload-pack=id"]
)
def test_the_command_line_takes_nothing_else(given_repo: str) -> None:
    refusal = parse_request(given_repo, "200 QPS", hosts=HOSTS, folders=True)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "repo-url"


def test_a_comment_never_names_a_folder() -> None:
    refusal = parse(GOOD.replace(REPO, "/srv/app"))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "repo-url"


def test_help_lists_every_command_and_the_page_is_current() -> None:
    assert all(spec.name in help_of(COMMANDS) for spec in COMMANDS)
    assert (DOCS / "commands.md").read_text() == commands_page()
    assert parse(help_of(COMMANDS)) is None


@pytest.mark.parametrize(
    "body",
    [
        f"/ai-provision https://user:CANARY@github.com/a/b\n{REPO_LINE}\n{TEXT_LINE}",
        f"/ai-provision git_repo=https://github.com/a/b?token=CANARY\n{TEXT_LINE}",
        "/ai-provision\ngit_repo: https://user:CANARY@github.com/a/b\nextra: 1",
        f"/ai-provision\ngit_repo: https://github.com/a/b;token=CANARY\n{TEXT_LINE}\nextra: 1",
        f"/ai-provision\n{REPO_LINE}\n{TEXT_LINE}\ntoken: CANARY",
        f"/ai-provision\n{REPO_LINE}\n{TEXT_LINE}\ntoken=CANARY",
        f"/ai-provision\ngit_repo: &CANARY x\n{TEXT_LINE}",
        "/ai-provision\nhttps://user:CANARY@github.com/a/b",
    ],
    ids=["R06-behind", "R06-behind-query", "R06-kept", "R06-kept-parameter", "R06-value", "R06-assigned", "R06-anchor", "R06-no-key"],
)  # fmt: skip
def test_what_may_be_secret_is_not_repeated(body: str) -> None:
    refusal = parse(body)
    assert isinstance(refusal, Refusal)
    assert "CANARY" not in refusal.model_dump_json()


def test_fields_below_a_wrong_first_line_are_kept() -> None:
    refusal = parse(GOOD.replace("/ai-provision", "/ai-provision now"))
    assert isinstance(refusal, Refusal)
    assert refusal.example is not None
    assert parse(refusal.example) == parse(GOOD)
