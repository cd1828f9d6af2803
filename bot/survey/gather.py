"""Everything that the detectors say about one candidate.

In: a candidate, and what the repository says as a whole. Out: ``Clues``, one for each detector, the strongest first.
Never: a vote; that is ``services``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bot.model.profile import Dependency, Doubt, EnvName, Evidence, Volume
from bot.model.tree import Tree
from bot.survey.backing import Store
from bot.survey.candidate import Candidate
from bot.survey.candidates import Found
from bot.survey.clues import BASE_WEIGHT, Claim, Clues, PortClaim
from bot.survey.code.reading import read_code
from bot.survey.commands import CommandFacts, is_development, read_check, read_command, without_secrets
from bot.survey.compose import ComposeService
from bot.survey.dockerfile import ImageFacts, PortFact, read_dockerfile
from bot.survey.dockerfile_choice import resolved, text_of
from bot.survey.env_sample import sample_names
from bot.survey.header import read_header
from bot.survey.helm_values import ChartValues
from bot.survey.images import is_web_server, is_windows, language_of, own_ports
from bot.survey.links import Pointing, host_links, is_debug_port, port_claim
from bot.survey.manifests import Workload
from bot.survey.matching import key_of, rank
from bot.survey.nginx import answering, listening
from bot.survey.places import base_of, folder_of, is_below, within
from bot.survey.procfile import read_procfile
from bot.survey.second_process import as_worker
from bot.survey.secrets import excerpt
from bot.survey.sources import Sources
from bot.survey.spring import read_spring


def gather(tree: Tree, candidate: Candidate, found: Found, sources: Sources) -> tuple[Clues, ...]:
    """Clues of code, package files, Dockerfile, compose, manifests, chart, Procfile and ``.env`` sample."""
    own = own_tree(tree, candidate, found)
    links = _Links(candidate, found, sources)
    clues: list[Clues] = []
    if candidate.built:
        coded = links.known(read_code(own, candidate.area))
        clues += [coded, *read_spring(own, candidate.area, coded)]
        clues += _of_procfile(own, candidate)
    if candidate.compose is not None:
        clues.append(_of_compose(candidate.compose, links))
    if candidate.workload is not None:
        clues.append(_of_workload(candidate.workload, links))
    if candidate.dockerfile is not None:
        clues.append(_of_dockerfile(tree, own, candidate, links))
    clues += [_of_chart(candidate, chart) for chart in sources.charts if rank(chart.name, candidate.name) == 0][:1]
    sample = sample_names(tree, candidate.area)
    clues += [Clues(area=candidate.area, detector="env sample", env=sample)] if sample else []
    return tuple(clues) if candidate.process is None else as_worker(clues, candidate.process)


def own_tree(tree: Tree, candidate: Candidate, found: Found) -> Tree:
    """The tree with the texts that concern one candidate: its area and the folders above, without the areas of other
    candidates below it.
    """
    area = candidate.area
    others = {other.area for other in found.candidates if other.area != area and within(other.area, area)}
    others |= _other_programs(tree, candidate)
    folders = tuple(folder + "/" for folder in others)
    inside = area + "/" if area else ""
    texts = {
        path: text
        for path, text in tree.texts.items()
        if (path.startswith(inside) and not path.startswith(folders)) or within(area, folder_of(path))
    }
    return tree.model_copy(update={"texts": texts})


def _other_programs(tree: Tree, candidate: Candidate) -> set[str]:
    """Of several programs in ``cmd/`` those that the start command, or else the service's name, does not name."""
    prefix = f"{candidate.area}/cmd/" if candidate.area else "cmd/"
    programs = {path[len(prefix) :].partition("/")[0] for path in tree.texts if path.startswith(prefix)}
    wanted = next((name for name in _started(tree, candidate) if name in programs), None)
    return {prefix + name for name in programs if name != wanted} if wanted is not None else set()


def _started(tree: Tree, candidate: Candidate) -> Iterator[str]:
    """The base names of what is started, the most certain first."""
    commands: list[Iterable[str] | None] = []
    if candidate.workload is not None:
        commands.append(candidate.workload.command)
    if candidate.compose is not None:
        commands += [candidate.compose.entrypoint, candidate.compose.command]
    facts = read_dockerfile("", text_of(tree, candidate.dockerfile or "") or "", candidate.target)
    commands.append(facts.start.words if facts and facts.start else None)
    for command in commands:
        yield from (base_of(word) for word in command or ())
    yield candidate.name


class _Links:
    """Which stores and which other services the hosts of a candidate lead to."""

    def __init__(self, candidate: Candidate, found: Found, sources: Sources) -> None:
        self._stores: Mapping[str, Store] = {store.name: store for store in found.stores}
        self._store_hosts = {host: store.name for store in found.stores for host in store.hosts}
        self._services: dict[str, str] = {}
        for other in (*found.candidates, *found.neighbours):
            if other.name != candidate.name:
                self._services |= dict.fromkeys(_hosts_of(other, sources), other.name)

    def dependencies(self, hosts: Iterable[Pointing]) -> tuple[Dependency, ...]:
        links = host_links(hosts, self._store_hosts)
        return tuple(
            Dependency(kind=self._stores[name].kind, evidence=(evidence,), image=self._stores[name].image)
            for name, evidence in links.items()
        )

    def calls(self, hosts: Iterable[Pointing]) -> tuple[str, ...]:
        return tuple(host_links(hosts, self._services))

    def known(self, clues: Clues) -> Clues:
        """The clues of code, with only those calls that lead to a service of this repository, by its own name."""
        names = {key_of(host): name for host, name in self._services.items()}
        found = (names.get(key_of(call)) for call in clues.calls)
        return clues.model_copy(update={"calls": tuple(dict.fromkeys(name for name in found if name))})


def _hosts_of(candidate: Candidate, sources: Sources) -> Iterator[str]:
    yield candidate.name
    if candidate.compose is not None:
        yield candidate.compose.name.lower()
    if candidate.workload is not None:
        yield from (host.lower() for host in sources.manifests.hosts_of(candidate.workload))


def _of_compose(service: ComposeService, links: _Links) -> Clues:
    hosts = [*(need.model_copy(update={"host": need.host.lower()}) for need in service.needs), *service.hosts]
    command = (*(service.entrypoint or ()), *(service.command or ())) or None
    facts = read_command(command or ())
    return Clues(
        area=service.context or "",
        detector="compose",
        ports=(*_command_ports(facts, service.evidence), *service.ports),
        health=(service.health,) if service.health else (),
        dependencies=links.dependencies(hosts),
        calls=links.calls(hosts),
        env=service.env,
        volumes=service.volumes,
        start_command=without_secrets(command) if command else None,
        memory_floor=facts.memory_floor or service.memory_floor,
        workers=facts.workers,
        declared=service.declared,
        image=service.image,
        evidence=(service.evidence,),
    )


def _of_workload(workload: Workload, links: _Links) -> Clues:
    facts = read_command(workload.command or ())
    return Clues(
        area=workload.folder,
        detector="manifest",
        ports=(*_command_ports(facts, workload.evidence), *workload.ports),
        health=(workload.health,) if workload.health else (),
        dependencies=links.dependencies(workload.hosts),
        calls=links.calls(workload.hosts),
        env=workload.env,
        volumes=workload.volumes,
        start_command=without_secrets(workload.command) if workload.command else None,
        memory_floor=facts.memory_floor or workload.memory_floor,
        workers=facts.workers,
        declared=workload.declared,
        image=workload.image,
        windows=workload.windows,
        job=workload.is_job,
        stateful=workload.kind == "StatefulSet" and bool(workload.volumes),
        evidence=(workload.evidence,),
    )


def _of_chart(candidate: Candidate, chart: ChartValues) -> Clues:
    ports = (port_claim(chart.port, chart.evidence, seen="manifest"),) if chart.port and not candidate.built else ()
    notes = (f"chart {chart.folder or '.'}: not rendered; only its values were read",)
    return Clues(
        area=chart.folder, detector="chart", ports=ports, declared=chart.declared, image=chart.image, notes=notes,
        evidence=(chart.evidence,),
    )  # fmt: skip


def _of_procfile(tree: Tree, candidate: Candidate) -> list[Clues]:
    processes = read_procfile(tree, candidate.area)
    if not processes or candidate.dockerfile is not None:
        return []
    first = processes[0]
    facts = read_command(first.command)
    others = [f"Procfile: the process {other.kind} is not planned; only {first.kind} is" for other in processes[1:]]
    return [
        Clues(
            area=candidate.area, detector="procfile", ports=_command_ports(facts, first.evidence),
            listens=True if first.kind == "web" else None, start_command=without_secrets(first.command),
            memory_floor=facts.memory_floor, workers=facts.workers, notes=tuple(others), evidence=(first.evidence,),
        )
    ]  # fmt: skip


def _command_ports(facts: CommandFacts, evidence: Evidence) -> tuple[PortClaim, ...]:
    """Ports of a start command count as code: it is what runs."""
    return tuple(
        PortClaim(
            port=port.port, protocol="http", seen="code", debug=is_debug_port(port.port), from_env=port.from_env,
            evidence=evidence,
        )
        for port in facts.ports
        if port.port is not None
    )  # fmt: skip


def _of_dockerfile(tree: Tree, own: Tree, candidate: Candidate, links: _Links) -> Clues:
    path = candidate.dockerfile or ""
    text = text_of(tree, path)
    facts = read_dockerfile(resolved(tree, path) or path, text, candidate.target) if text else None
    if text is None or facts is None:
        return Clues(area=candidate.area, detector="dockerfile", doubts=(_unread(tree, candidate, path),))
    header = read_header(facts.path, text)
    base = facts.base_image or ""
    start = facts.start
    command = start.words if start and not is_development(start.words) else None
    told = read_command(command or ())
    place = facts.evidence(start.line if start else None, excerpt(" ".join(command or ())))
    check = facts.health
    health = read_check(check.words, facts.evidence(check.line, "HEALTHCHECK")) if check else None
    hosts = [Pointing(host=fact.value, evidence=facts.evidence(fact.line, "ENV")) for fact in facts.hosts]
    return Clues(
        area=candidate.area,
        detector="dockerfile",
        dependencies=links.dependencies(hosts),
        calls=links.calls(hosts),
        languages=tuple(_base_language(facts)),
        ports=(*_command_ports(told, place), *_served(own, candidate, base), *_image_ports(facts)),
        health=(*((health,) if health else ()), *(answering(own, candidate.area) if is_web_server(base) else ())),
        env=tuple(EnvName(name=fact.value, evidence=facts.evidence(fact.line, fact.value)) for fact in facts.env),
        volumes=tuple(Volume(path=fact.value, evidence=facts.evidence(fact.line, "VOLUME")) for fact in facts.volumes),
        start_command=without_secrets(command) if command else None,
        memory_floor=told.memory_floor or facts.memory_floor,
        workers=told.workers,
        base_image=facts.base_image,
        user=facts.user,
        windows=is_windows(base) or any(is_windows(fact.value) for fact in facts.unresolved),
        kind="static" if is_web_server(base) else None,
        header=header.header if header else None,
        doubts=tuple(_doubts(candidate, facts)),
        evidence=(facts.evidence(facts.from_line, f"FROM {base}"[:120]),),
        notes=header.notes if header else (),
    )


def _served(tree: Tree, candidate: Candidate, base: str) -> tuple[PortClaim, ...]:
    return listening(tree, candidate.area) if is_web_server(base) else ()


def _base_language(facts: ImageFacts) -> Iterator[Claim]:
    """The image that runs, else (a static binary) the images that build."""
    for weight, image in ((BASE_WEIGHT, facts.base_image), *((BASE_WEIGHT - 5, base) for base in facts.bases)):
        language = language_of(image or "")
        if language is not None:
            yield Claim(value=language, seen="image", weight=weight, evidence=facts.evidence(facts.from_line))


def _image_ports(facts: ImageFacts) -> Iterator[PortClaim]:
    for fact in facts.env_ports:
        yield _claim(facts, fact, excerpt_text=f"ENV {fact.variable}").model_copy(update={"seen": "env"})
    for fact in facts.exposed:
        claim = _claim(facts, fact, excerpt_text=f"EXPOSE {fact.port}").model_copy(update={"from_env": None})
        yield claim.model_copy(update={"protocol": "udp"}) if fact.udp else claim
    if not facts.exposed:
        for port in own_ports(facts.base_image or ""):
            yield port_claim(port, facts.evidence(facts.from_line, "exposed by the base image"), seen="image")


def _claim(facts: ImageFacts, fact: PortFact, *, excerpt_text: str) -> PortClaim:
    return port_claim(fact.port, facts.evidence(fact.line, excerpt_text), seen="image", variable=fact.variable)


def _doubts(candidate: Candidate, facts: ImageFacts) -> Iterator[Doubt]:
    for fact in facts.unresolved:
        what = f"EXPOSE of {candidate.name}" if fact.value.startswith("EXPOSE") else f"base image of {candidate.name}"
        yield Doubt(
            path=f"profile.services.{candidate.name}",
            question=f"The {what} is a build argument without a default ({facts.path} line {fact.line}). What is it?",
            assumed="unknown",
            answer=f"add a default to the ARG in {facts.path}",
            evidence=(facts.evidence(fact.line),),
        )
    overridden = candidate.compose is not None and (candidate.compose.command or candidate.compose.entrypoint)
    deployed = candidate.workload is not None and candidate.workload.command
    if facts.start is None and not overridden and not deployed and not own_ports(facts.base_image or ""):
        yield Doubt(
            path=f"profile.services.{candidate.name}.start_command",
            question=f"{facts.path} has no CMD or ENTRYPOINT. What starts {candidate.name}?",
            assumed="the base image's own command",
            answer=f"add a CMD to {facts.path}",
            evidence=(facts.evidence(facts.from_line),),
        )


def _unread(tree: Tree, candidate: Candidate, path: str) -> Doubt:
    target = resolved(tree, path)
    reason = next((item.reason for item in tree.unread if item.path in {path, target}), "it holds no FROM instruction")
    return Doubt(
        path=f"profile.services.{candidate.name}",
        question=f"could not read {path}: {reason}. What does the image of {candidate.name} run?",
        assumed="only what other files say",
        answer=f"repair {path}, as plain UTF-8 text with a FROM line",
        evidence=(Evidence(path=path),),
    )


def unlinked(found: Found, used: Iterable[Dependency], part: str) -> tuple[str, ...]:
    """A note for each store of the part that compose or a manifest runs and no service refers to."""
    kinds = {dependency.kind for dependency in used}
    notes = [
        f"{store.evidence.path}: {store.name[:60]} ({store.kind}) is run, but no service was seen to use it"
        for store in found.stores
        if store.kind not in kinds and is_below(store.evidence.path, part)
    ]
    return tuple(notes[:10])
