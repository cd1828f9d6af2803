"""What holds for every request that is given again, in any world: the same machines; and for every change: in place."""

from __future__ import annotations

from hypothesis import HealthCheck, given

from bot.model.plan import Machine, Plan
from bot.model.quantity import Bytes
from tests.daily import searched
from tests.planning.standing_kit import applied
from tests.planning.test_wishes_properties import addresses, planned, requests, snapshots

SLOW = searched(100, suppress_health_check=[HealthCheck.too_slow])
IDENTITY = ("vm_id", "node", "datastore", "kind", "source", "adopted", "address")


@SLOW
@given(request=requests, taken=snapshots())
def test_planning_twice_gives_identical_machines(request, taken):
    first = planned(request, taken)
    if not isinstance(first, Plan):
        return
    later = applied(first, taken)
    second = planned(request, later, before=first)
    assert isinstance(second, Plan), second
    if any(one.asked is not None for one in first.clusters):
        names = {one.name for one in second.machines}
        assert {one.name for one in first.machines} <= names
        return
    assert second.machines == first.machines
    assert second.clusters == first.clusters
    assert all(entry.before == entry.after for entry in second.capacity)


@SLOW
@given(before=requests, after=requests, taken=snapshots())
def test_any_other_request_updates_in_place(before, after, taken):
    first = planned(before, taken)
    if not isinstance(first, Plan):
        return
    later = applied(first, taken)
    second = planned(after, later, before=first)
    if not isinstance(second, Plan):
        return
    old = {one.name: one for one in first.machines}
    for one in second.machines:
        if one.name in old:
            assert all(getattr(one, name) == getattr(old[one.name], name) for name in IDENTITY)
            assert one.disk >= old[one.name].disk
            assert data(one)[: len(data(old[one.name]))] >= data(old[one.name])
            assert len(data(one)) >= len(data(old[one.name]))
    assert {one.name for one in first.machines if one.data_disks} <= {one.name for one in second.machines}
    ids = [one.vm_id for one in second.machines]
    texts = [text.partition("/")[0] for one in second.machines for text in addresses(one)]
    assert len(set(ids)) == len(ids)
    assert len(set(texts)) == len(texts)
    for entry in second.capacity:
        if entry.after != entry.before:
            assert entry.after.cpu <= entry.limit.cpu
            assert entry.after.memory <= entry.limit.memory


@SLOW
@given(before=requests, after=requests, taken=snapshots())
def test_every_number_of_an_update_has_one_decision(before, after, taken):
    first = planned(before, taken)
    second = planned(after, applied(first, taken), before=first) if isinstance(first, Plan) else None
    if not isinstance(second, Plan):
        return
    paths = [entry.path for entry in second.decisions]
    assert len(set(paths)) == len(paths)
    values = {entry.path: entry.value for entry in second.decisions}
    for one in second.machines:
        name = f"machines.{one.name}"
        if f"{name}.cores" not in values:
            assert one.data_disks
            continue
        assert values[f"{name}.cores"] == one.cores
        assert Bytes.parse(str(values[f"{name}.memory"])) == one.memory
        assert values[f"{name}.vm_id"] == one.vm_id
        assert values[f"{name}.address"] == one.address
        assert values[f"{name}.node"] == one.node
        assert Bytes.parse(str(values.get(f"{name}.disk.actual", values[f"{name}.disk"]))) == one.disk
        disks = [values[f"{name}.data_disks.{index}"] for index in range(len(one.data_disks))]
        assert disks == [disk.size.to_k8s() for disk in one.data_disks]
        assert {key: values[f"{name}.settings.{key}"] for key in one.settings} == one.settings


def data(one: Machine) -> list[int]:
    return [int(disk.size) for disk in one.data_disks]
