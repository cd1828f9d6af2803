"""600 deliveries every day, 10,000 where tests take long, with duplicates, redeliveries and tampered ones: each command runs once, none is lost, in order."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import requests

from bot.edges.clock import RealClock
from bot.edges.durable import Durable
from bot.edges.ledger import open_ledger
from bot.emulators.loopback import Loopback
from bot.flow.house import Books, Office
from bot.handlers.delivery import read_delivery
from bot.meters import Meters
from bot.model.job import Job
from bot.model.order import Order
from bot.model.outcome import Published
from bot.ports import Steps
from bot.web import web_app
from bot.work.intake import Intake
from bot.work.worker import Desk, Worker
from tests.daily import every_day
from tests.fakes.forge import FakeForge
from tests.fakes.house import INFRA, house, office

SECRET = b"a webhook secret"
REPOSITORIES = 20


@dataclass(frozen=True)
class Size:
    """How much comes: deliveries of every kind, and the commands among them."""

    deliveries: int
    commands: int


SIZES = [Size(600, 24), Size(10_000, 200)]


@pytest.fixture(params=every_day(SIZES, one_in=2, ids=("six-hundred", "ten-thousand")))
def size(request: pytest.FixtureRequest) -> Size:
    return request.param


@dataclass(frozen=True)
class Sent:
    """One delivery as GitHub would send it."""

    delivery: str
    body: bytes
    signature: str


def payload(number: int, size: Size) -> bytes:
    """A comment: a command in its own thread for the first ones, prose for the rest."""
    text = "/ai-help" if number < size.commands else f"just talking, {number}"
    user = {"login": "ada", "id": 7, "type": "User"}
    return json.dumps(
        {
            "action": "created",
            "sender": user,
            "repository": {"name": f"repo-{number % REPOSITORIES}", "owner": {"login": "myorg"}, "id": 1},
            "issue": {"id": 5, "number": number // REPOSITORIES // 4 + 1, "body": "", "state": "open", "locked": False,
                      "user": user, "created_at": "2026-03-01T11:59:00Z"},
            "comment": {"id": 10_000 + number, "body": text, "user": user, "created_at": "2026-03-01T11:59:30Z"},
        }
    ).encode()  # fmt: skip


def sign(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def traffic(seed: int, size: Size) -> list[Sent]:
    """Half of all is new; the rest is the same again, redelivered, altered under a known id, or badly signed."""
    chance = random.Random(seed)  # noqa: S311 - a test's traffic
    bodies = [payload(number, size) for number in range(size.deliveries // 2)]
    fresh = [Sent(f"d-{number}", body, sign(body)) for number, body in enumerate(bodies)]
    extra = []
    for _ in range(size.deliveries // 2):
        place = chance.randrange(size.commands * 2)
        known = fresh[place]
        other = known.body.replace(b"created", b"created ")
        kind = chance.choice(
            [
                known,
                replace(known, delivery=f"again-{known.delivery}"),
                replace(known, body=other, signature=sign(other)),
                replace(known, signature=sign(b"something else")),
            ]
        )
        extra.append((chance.randrange(place + 100, len(fresh) + 100), kind))
    return [one for _, one in sorted([*enumerate(fresh), *extra], key=lambda item: item[0])]


@dataclass
class Watch:
    """What ended, in order."""

    ended: list[Job] = field(default_factory=list)

    def __call__(self, job: Job, _published: Published) -> None:
        self.ended.append(job)


@pytest.fixture
def forge(size: Size) -> FakeForge:
    forge = FakeForge()
    for number in range(REPOSITORIES):
        forge.permissions[f"myorg/repo-{number}", "ada"] = "write"
    for number in range(size.commands):
        delivery = read_delivery("issue_comment", f"d-{number}", json.loads(payload(number, size)))
        assert delivery is not None
        forge.hear(delivery)
    return forge


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def ledger(tmp_path: Path, forge: FakeForge, watch: Watch) -> Iterator[object]:
    """The real ledger and the real queue on one SQLite file; GitHub is a fake."""
    url = f"sqlite:///{tmp_path}/bot.sqlite"
    base = office(forge, inside=house(), files={".ai-provision.yaml": "commands: {per_minute: 9999, per_hour: 9999}"})
    with open_ledger(url, clock=RealClock(), executor_id="one") as ledger:
        assert ledger.enlist("one", "test")
        forge._base(INFRA)

        def office_of(_order: Order, steps: Steps) -> Office:
            return replace(base, steps=steps, books=Books(jobs=ledger, audit=ledger))

        desk = Desk(
            ledger=ledger,
            offices=office_of,
            intake=Intake(ledger=ledger, clock=RealClock(), hosts=("github.com",)),
            clock=RealClock(),
            meters=Meters(),
            concurrency=4,
            pause=0.02,
            ended=watch,
        )
        worker = Worker(desk)
        worker.start(Durable(url, executor_id="one", run=worker.run, hooks=worker, concurrency=4))
        yield ledger
        worker.stop(seconds=10)


def deliver(url: str, sent: list[Sent]) -> Counter[int]:
    """All of it in order, sixteen at a time; how often each status came."""
    own = threading.local()

    def one(item: Sent) -> int:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        headers = {
            "content-type": "application/json",
            "x-github-event": "issue_comment",
            "x-github-delivery": item.delivery,
            "x-hub-signature-256": item.signature,
        }
        session: requests.Session = own.session
        return session.post(f"{url}/webhooks/github", data=item.body, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(one, sent))


def test_each_command_of_many_deliveries_runs_once_and_none_is_lost(
    ledger: object, forge: FakeForge, watch: Watch, size: Size, record_property: Callable[[str, object], None]
) -> None:
    app = web_app(ledger, secrets=[SECRET.decode()], meters=Meters(), api_token=None)  # type: ignore[arg-type]
    with Loopback(app) as server:
        statuses = deliver(server.url, traffic(4, size))
    deadline = time.monotonic() + 240
    while len(watch.ended) < size.commands and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    answered = Counter((said.id, key) for key, comments in forge.comments.items() for said in comments if said.ours)
    assert sum(statuses.values()) == size.deliveries
    assert set(statuses) == {202, 401, 409}
    assert len(watch.ended) == len({job.id for job in watch.ended}) == size.commands
    assert len(answered) == size.commands
    record_property(
        "points", f"{size.deliveries} deliveries {dict(statuses)}: {size.commands} commands, each once, none lost"
    )
