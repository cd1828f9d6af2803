"""The quality page: what was compared, the totals, every service field by field, and every miss in words.

In: judged services of both modes, looked-at awkward places. Out: Markdown, the same for the same input. Never: a path
of this computer, a clock time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from benchmarks.quality_causes import CAUSES
from benchmarks.quality_score import FIELDS, Cell, Judged, Size
from benchmarks.quality_tricky import Looked

_HEAD: Final = """\
# How well the survey reads real repositories

Written by `python -m benchmarks.quality`; do not edit by hand.

{services} services of {repositories} public repositories, at pinned commits, by the product's own path: git, survey,
description, sizing, files, checks, against [`examples/cluster-snapshot.json`](../examples/cluster-snapshot.json). The
truth is what each project's own code, manifests and charts say, written down by people in a corpus file.

- **as is**: the repository as its authors left it, Kubernetes manifests and charts included.
- **stripped**: without them, so that only code, Dockerfile, compose files and the description speak. This is what
  a repository looks like before its first manifest.

`ok` means equal (a framework: the same family; a port set, a dependency set: exactly the same). A miss shows
**expected → got**. A health check is only scored where the truth names one. Sizes are shown, not scored: the truth is
one community's choice, and its loads are demo loads.

Read the totals as a floor against regressions, not as a forecast: rules were mended with these very repositories in
view, so an unseen repository will fare worse. All of them are public, and most are demos.

## Repeat it

```sh
mkdir clones && cd clones            # one bare clone for every repository that the corpus file names
git clone --bare https://github.com/OWNER/NAME OWNER/NAME
cd .. && .venv/bin/python -m benchmarks.quality --corpus corpus.json --clones clones --write docs/quality.md
```

Partial clones do (`--filter=blob:none`, then fetch what is missing): what cannot be read is reported, the rest counts.
"""


def page(whole: Sequence[Judged], bare: Sequence[Judged], tricky: Sequence[Looked]) -> str:
    """The whole page."""
    repositories = len({judged.entry.repo for judged in whole})
    parts = [
        _HEAD.format(services=len(whole), repositories=repositories),
        _totals(whole, bare),
        _mode("As is", whole),
        _mode("Stripped", bare),
        _misses(whole, bare),
        _awkward(tricky) if tricky else "",
    ]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _totals(whole: Sequence[Judged], bare: Sequence[Judged]) -> str:
    rows = [f"| {name} | {_share(_cells(whole, name))} | {_share(_cells(bare, name))} |" for name in FIELDS]
    rows.append(f"| **all fields** | **{_share(_cells(whole))}** | **{_share(_cells(bare))}** |")
    for what, counted in (("precision", _precision), ("recall", _recall)):
        rows.append(f"| dependencies: {what} | {counted(whole)} | {counted(bare)} |")
    rows += [
        f"| {what} request within a factor of 2, of 4 | {_near(whole, what)} | {_near(bare, what)} |"
        for what in ("CPU", "memory")
    ]
    return "\n".join(["## Totals", "", "| | as is | stripped |", "|---|---|---|", *rows, ""])


def _cells(judged: Iterable[Judged], name: str | None = None) -> list[Cell]:
    return [cell for item in judged for cell in item.cells if name in {None, cell.field}]


def _share(cells: Sequence[Cell]) -> str:
    scored = [cell for cell in cells if cell.verdict != "unstated"]
    return f"{sum(cell.verdict == 'ok' for cell in scored)} of {len(scored)}"


def _precision(judged: Sequence[Judged]) -> str:
    right = sum(len(item.found & item.entry.dependencies) for item in judged)
    return f"{right} of {sum(len(item.found) for item in judged)}"


def _recall(judged: Sequence[Judged]) -> str:
    right = sum(len(item.found & item.entry.dependencies) for item in judged)
    return f"{right} of {sum(len(item.entry.dependencies) for item in judged)}"


def _near(judged: Sequence[Judged], what: str) -> str:
    sizes = [size for item in judged for size in item.sizes if size.what == what]
    return f"{sum(size.doublings <= 1 for size in sizes)}, {sum(size.doublings <= 2 for size in sizes)} of {len(sizes)}"


def _mode(title: str, judged: Sequence[Judged]) -> str:
    head = ["service", *FIELDS, "stated replicas, requests", "planned replicas x requests", "CPU, memory: log2 apart"]
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(_row(item) for item in judged), ""])


def _row(item: Judged) -> str:
    cells = [_shown(cell) for cell in item.cells]
    return f"| {' | '.join([item.entry.id, *cells, _stated(item), item.plan, _apart(item.sizes)])} |"


def _shown(cell: Cell) -> str:
    if cell.verdict == "miss":
        return f"**{cell.expected or 'stated'} → {cell.got}**"
    return f"({cell.got})" if cell.verdict == "unstated" else f"ok: {cell.got}"


def _stated(item: Judged) -> str:
    sizes = item.entry.sizes
    words = [
        sizes.replicas and f"{sizes.replicas} x",
        sizes.cpu.to_k8s() if sizes.cpu else None,
        sizes.memory.to_k8s() if sizes.memory else None,
    ]
    said = " ".join(word for word in words if word)
    return f"{said} ({item.entry.quality})" if said else "-"


def _apart(sizes: Sequence[Size]) -> str:
    return ", ".join(f"{size.what} {size.doublings:.1f}" for size in sizes) or "-"


def _misses(whole: Sequence[Judged], bare: Sequence[Judged]) -> str:
    lines = ["## Misses and their causes", ""]
    for item, stripped in zip(whole, bare, strict=True):
        lines += list(_missed(item, stripped))
    return "\n".join([*lines, ""]) if len(lines) > 2 else ""


def _missed(item: Judged, stripped: Judged) -> Iterator[str]:
    if all(cell.got == "absent" for cell in item.cells):
        yield f"- **{item.entry.id}**, every field: {item.plan}. {_cause(item.entry.id, 'absent')}"
        return
    for cell, other in zip(item.cells, stripped.cells, strict=True):
        if "miss" in {cell.verdict, other.verdict}:
            both = cell.verdict == other.verdict == "miss"
            where = "" if both else (" (as is)" if cell.verdict == "miss" else " (stripped)")
            said = cell if cell.verdict == "miss" else other
            what = f"{said.field}{where}: expected {said.expected}, got {said.got}"
            yield f"- **{item.entry.id}**, {what}. {_cause(item.entry.id, cell.field)}"


def _cause(service: str, name: str) -> str:
    return CAUSES.get((service, name), "The cause was not looked at yet.")


def _awkward(tricky: Sequence[Looked]) -> str:
    rows = [
        f"| {item.case.kind} | {item.case.repo} | {item.case.expect} | {_cell(item.got)} | {_verdict(item)} |"
        for item in tricky
    ]
    count = sum(item.ok for item in tricky)
    return "\n".join(
        [
            "## Awkward places",
            "",
            f"{count} of {len(tricky)} pass the check that `benchmarks/quality_tricky.py` makes of the expectation;",
            "the answer stands beside it, so that a person can judge whether the check asks enough.",
            "",
            "| case | repository | expected | got | |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _verdict(item: Looked) -> str:
    return "ok" if item.ok else "**miss**"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:400]
