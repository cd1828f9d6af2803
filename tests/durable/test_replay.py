"""``replay``: a finished job judged again from what its steps remember, with everything around it gone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from bot import replaying
from bot.cli import cli
from bot.edges import checkpoints
from bot.edges.checkpoints import has_records, read_checkpoints
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.errors import Broken, Code, Refusal, Refused, Unavailable
from bot.model.changes import ChangeSet
from bot.model.finding import Finding
from bot.model.job import Job
from bot.replaying import Replayed, replay, report
from bot.settings import read_settings
from tests.durable.rig import job_ends, run_until_killed, run_worker, world
from tests.fakes.house import SilentToolbox
from tests.postgres_server import PostgresServer, postgres_server

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a worker that did three commands; GitHub, the clusters and the worker are gone."""
    with world(tmp_path_factory.mktemp("finished")) as here:
        number = here.command()
        run_worker(here)
        here.say(number, "/ai-refine memory=1Gi")
        run_worker(here)
        here.say(number, "/ai-help")
        run_worker(here)
        assert job_ends(here) == [("pull-request", None), ("pull-request", None), ("answered", None)]
        return here.root / "bot.sqlite"


@pytest.fixture
def database(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    with closing(sqlite3.connect(finished)) as live, closing(sqlite3.connect(tmp_path / "bot.sqlite")) as copy:
        live.backup(copy)
    return tmp_path / "bot.sqlite"


def url(database: Path) -> str:
    return f"sqlite:///{database}"


def jobs(address: str) -> dict[str, Job]:
    with open_ledger(address, clock=RealClock()) as ledger:
        return {job.name: job for job in ledger.listing(limit=10)}


def again(database: Path, name: str = "/ai-provision", toolbox: SilentToolbox | None = None) -> Replayed | Refusal:
    address = url(database)
    return replay(jobs(address)[name].id[:12], read_settings({"AI_PROVISION_DATABASE_URL": address}), toolbox=toolbox)


def replayed(database: Path, name: str = "/ai-provision") -> Replayed:
    result = again(database, name)
    assert isinstance(result, Replayed), result
    return result


def altered(database: Path, step: str, change: Change, name: str = "/ai-provision") -> None:
    """Change what a step remembers."""
    job = jobs(url(database))[name].id
    where = "WHERE workflow_uuid = ? AND function_name = ?"
    with closing(sqlite3.connect(database)) as connection, connection:
        [row] = connection.execute(f"SELECT output FROM operation_outputs {where}", (job, step)).fetchall()  # noqa: S608
        kept = json.loads(json.loads(row[0]))
        change(kept)
        text = json.dumps(json.dumps(kept))
        connection.execute(f"UPDATE operation_outputs SET output = ? {where}", (text, job, step))  # noqa: S608


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("name", ["/ai-provision", "/ai-refine"])
def test_the_same_bytes_come_out_again(name: str, database: Path) -> None:
    before = dump(database)
    result = replayed(database, name)
    assert (result.same, result.different_files, result.different_decisions) == (True, (), ())
    assert result.app == "supermarket-inventory"
    assert result.files > 10
    assert result.rounds_recorded == result.rounds_again >= 1
    assert "same bytes" in report(result)
    assert dump(database) == before


def test_a_refined_job_is_judged_with_its_changes(database: Path) -> None:
    def forget(kept: dict[str, Any]) -> None:
        [plan] = [file for file in kept["value"]["changes"]["files"] if file["path"].endswith("/plan.json")]
        document = json.loads(plan["content"])
        assert document["request"]["refinements"]
        document["request"]["refinements"] = []
        plan["content"] = json.dumps(document)

    altered(database, "plan", forget, "/ai-refine")
    result = replayed(database, "/ai-refine")
    assert not result.same
    assert any("memory" in each.path for each in result.different_decisions)


def test_another_file_and_another_decision_are_shown(database: Path) -> None:
    def lie(kept: dict[str, Any]) -> None:
        value = kept["value"]
        [readme] = [file for file in value["changes"]["files"] if file["path"].endswith("/README.md")]
        readme["content"] += "more \x1b[31mred\n"
        value["plan"]["decisions"][0]["value"] = "another"

    altered(database, "plan", lie)
    result = replayed(database)
    assert not result.same
    [file] = result.different_files
    assert file.path.endswith("README.md")
    assert "-more " in file.diff
    assert [each.recorded.startswith("another") for each in result.different_decisions] == [True]
    shown = CliRunner().invoke(cli, ["replay", result.job], env={"AI_PROVISION_DATABASE_URL": url(database)})
    assert shown.exit_code == 1
    assert "it came out otherwise" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_a_file_that_is_gone_or_new_is_a_difference(database: Path) -> None:
    def drop(kept: dict[str, Any]) -> None:
        kept["value"]["changes"]["files"].pop(0)

    altered(database, "plan", drop)
    result = replayed(database)
    assert len(result.different_files) == 1
    assert result.different_files[0].diff.count("\n+") > 3


def test_a_long_difference_is_cut(database: Path) -> None:
    def swell(kept: dict[str, Any]) -> None:
        kept["value"]["changes"]["files"][0]["content"] = "".join(f"{at} {'x' * 1_000}\n" for at in range(5_000))

    altered(database, "plan", swell)
    [file] = replayed(database).different_files
    assert file.diff.count("\n") == 200
    assert file.diff.endswith("more lines)")
    assert len(file.diff) < 80_000


def test_a_tool_that_only_one_of_the_two_has_is_said(database: Path) -> None:
    def loud(_changes: ChangeSet) -> tuple[Finding, ...]:
        return (Finding(rule="terraform-slow", severity="note", message="m", remedy="r"),)

    result = again(database, toolbox=SilentToolbox(findings=loud))
    assert isinstance(result, Replayed)
    assert result.same
    assert any("terraform-slow speaks here" in note for note in result.notes)
    assert any("do not have the same terraform" in note for note in result.notes)


def test_recorded_answers_are_given_again_and_what_was_not_asked_so_is_said(database: Path) -> None:
    def answered(kept: dict[str, Any]) -> None:
        fault = {"kind": "timeout", "message": "no answer", "remedy": "wait"}
        kept["value"]["answers"] = [
            {"agent": "planner", "digest": "0" * 16, "model": "ollama:recorded", "fault": fault}
        ]

    altered(database, "plan", answered)
    result = replayed(database)
    assert any("question 1 of the planner" in note for note in result.notes)


def test_agents_and_what_they_cost_are_shown(database: Path) -> None:
    spent = {"calls": 2, "input_tokens": 900, "output_tokens": 80, "seconds": 1.5, "money": 0.002}

    def consulted(kept: dict[str, Any]) -> None:
        value = kept["value"]["collected"]
        value["consultation"] = {"agent": "collector", "digest": "ab" * 8, "model": "ollama:x"}
        value["efforts"] = [{"agent": "collector", "model": "ollama:x", "spent": spent}]

    altered(database, "read-repository", consulted)
    result = replayed(database)
    assert [(run.agent, run.recorded, run.again) for run in result.agents if run.agent == "collector"] == [
        ("collector", "ab" * 8, None)
    ]
    text = report(result)
    assert "collector (ollama:x): input abababababababab, taken over" in text
    assert "collector asked ollama:x: 2 calls, 900 tokens in, 80 out, 1.5 s, 0.0020 USD" in text


def gone(kept: dict[str, Any]) -> None:
    kept.clear()


def refusing(kept: dict[str, Any]) -> None:
    kept["value"] = {"code": "policy", "message": "m", "remedy": "r"}


def broken(kept: dict[str, Any]) -> None:
    kept.clear()
    kept["defect"] = "ZeroDivisionError: x"


def stopped(kept: dict[str, Any]) -> None:
    kept.clear()
    kept["cancelled"] = "ada"


def away(kept: dict[str, Any]) -> None:
    kept.clear()
    kept["outage"] = {"code": "rate", "message": "m", "remedy": "r", "retry_after": 1.0}


def newer(kept: dict[str, Any]) -> None:
    kept["value"]["plan"]["invented"] = True


def stranger(kept: dict[str, Any]) -> None:
    kept["invented"] = True


@pytest.mark.parametrize(
    ("step", "change", "said"),
    [
        ("plan", refusing, "ended with policy"),
        ("plan", broken, "ended with a defect"),
        ("plan", stopped, "it was cancelled"),
        ("read-clusters", away, "ended with rate"),
        ("admission", refusing, "ended with policy"),
        ("plan", newer, "a version that this one does not know"),
    ],
)
def test_a_job_without_a_plan_says_why(step: str, change: Change, said: str, database: Path) -> None:
    altered(database, step, change)
    result = again(database)
    assert isinstance(result, Refusal)
    assert (result.code, said in result.message) == (Code.SYNTAX, True), result.message
    assert result.remedy


def test_checkpoints_of_another_form_are_refused(database: Path) -> None:
    altered(database, "plan", stranger)
    with pytest.raises(Refused) as stop:
        again(database)
    assert "a version that this one does not know" in stop.value.refusal.message


def test_a_command_that_plans_nothing_is_refused(database: Path) -> None:
    result = again(database, "/ai-help")
    assert isinstance(result, Refusal)
    assert "made no plan: it never came to the step plan" in result.message


def test_a_pruned_job_is_refused(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM operation_outputs")
    result = again(database)
    assert isinstance(result, Refusal)
    assert "no longer kept" in result.message
    assert "AI_PROVISION_KEEP_DAYS" in result.remedy


@pytest.mark.parametrize("key", ["", "abc", "0" * 12, "f" * 64, "../x", "'; --", "F" * 12])
def test_an_unknown_job_is_refused(key: str, database: Path) -> None:
    result = replay(key, read_settings({"AI_PROVISION_DATABASE_URL": url(database)}))
    assert isinstance(result, Refusal)
    assert result.code is Code.SYNTAX


def test_no_database_is_made_by_looking_for_it(tmp_path: Path) -> None:
    address = url(tmp_path / "absent.sqlite")
    result = replay("0" * 12, read_settings({"AI_PROVISION_DATABASE_URL": address}))
    assert isinstance(result, Refusal)
    assert "no records yet" in result.message
    assert not has_records(address)
    assert list(tmp_path.iterdir()) == []


def test_a_job_at_work_is_refused_and_left_alone(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.command()
        run_until_killed(here, die_at_step=8)
        job = jobs(here.url)["/ai-provision"]
        result = replay(job.id, read_settings(here.environment))
        assert isinstance(result, Refusal)
        assert (result.code, job.state) == (Code.BUSY, "admitted")
        run_worker(here)
        assert job_ends(here) == [("pull-request", None)]


def test_a_database_without_the_queue_has_no_steps(tmp_path: Path) -> None:
    address = url(tmp_path / "new.sqlite")
    with open_ledger(address, clock=RealClock()):
        assert read_checkpoints(address, "0" * 64) == {}


@pytest.mark.parametrize("address", ["nonsense", "postgresql://", "://"])
def test_a_url_that_names_no_database_is_refused(address: str) -> None:
    with pytest.raises((Refused, Unavailable)) as stop:
        read_checkpoints(address, "0" * 64)
    assert isinstance(stop.value, Refused | Unavailable)
    assert stop.value.refusal.code in {Code.CONFIG, Code.INTERNAL}


def test_a_database_that_cannot_be_read_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "bot.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(Unavailable) as stop:
        read_checkpoints(url(tmp_path / "bot.sqlite"), "0" * 64)
    assert stop.value.code is Code.INTERNAL


def test_the_reader_cannot_write(database: Path, postgres: PostgresServer) -> None:
    address = postgres.database()
    for engine in (replaying_engine(url(database)), replaying_engine(address)):
        with pytest.raises(Exception, match=r"(?i)read.?only"), engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE aip_probe (x INTEGER)")
        engine.dispose()


def replaying_engine(address: str) -> Any:
    """The engine as the reader makes it."""
    parsed = checkpoints._parsed(address)
    return checkpoints._sqlite(parsed) if parsed.get_backend_name() == "sqlite" else checkpoints._postgres(parsed)


def test_the_same_on_postgres(postgres: PostgresServer, tmp_path: Path) -> None:
    with world(tmp_path, database=postgres.database()) as here:
        here.command()
        run_worker(here)
        address = here.url
    job = jobs(address)["/ai-provision"]
    result = replay(job.id[:12], read_settings({"AI_PROVISION_DATABASE_URL": address}))
    assert isinstance(result, Replayed), result
    assert result.same
    with psycopg.connect(address) as connection:
        connection.execute("DELETE FROM dbos.operation_outputs")
    pruned = replay(job.id[:12], read_settings({"AI_PROVISION_DATABASE_URL": address}))
    assert isinstance(pruned, Refusal)
    assert "no longer kept" in pruned.message


def test_the_command_line_prints_one_document_or_text(database: Path) -> None:
    environment = {"AI_PROVISION_DATABASE_URL": url(database), "GITHUB_API_URL": "http://127.0.0.1:9"}
    key = jobs(url(database))["/ai-provision"].id[:12]
    text = CliRunner().invoke(cli, ["replay", key], env=environment)
    document = CliRunner().invoke(cli, ["replay", key, "--format", "json"], env=environment)
    assert (text.exit_code, document.exit_code) == (0, 0), text.stderr + document.stderr
    assert "same bytes" in text.stdout
    assert json.loads(document.stdout)["same"] is True
    unknown = CliRunner().invoke(cli, ["replay", "f" * 12, "--format", "json"], env=environment)
    assert unknown.exit_code == 2
    assert json.loads(unknown.stdout)["error"]["code"] == "syntax"


def test_a_defect_of_the_judgement_stays_a_defect(database: Path) -> None:
    def blocking(_changes: ChangeSet) -> tuple[Finding, ...]:
        return (Finding(rule="terraform-syntax", severity="block", message="m", remedy="r"),)

    with pytest.raises(Broken):
        again(database, toolbox=SilentToolbox(findings=blocking))


def test_nothing_of_the_network_is_built() -> None:
    names = set(vars(replaying))
    assert names.isdisjoint({"app", "GitHubForge", "build_house", "build_office", "GitRepos", "LiveInventory"})
