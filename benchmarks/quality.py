"""How well the survey reads real repositories: ``python -m benchmarks.quality --corpus FILE --clones DIR``.

In: a corpus file and clones of the repositories that it names. Out: Markdown, printed or written. Never: the network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.ablation_page import halves, joined
from benchmarks.quality_reading import MissingCloneError, borrowed, plan
from benchmarks.quality_score import Judged, judge
from benchmarks.quality_table import page
from benchmarks.quality_tricky import Looked, look
from benchmarks.quality_truth import Entry, read_corpus


def main() -> None:
    options = _options()
    corpus = read_corpus(options.corpus)
    services = [entry for entry in corpus.services if not options.only or options.only in entry.id]
    try:
        whole = [_judged(entry, options.clones, stripped=False) for entry in services]
        bare = [_judged(entry, options.clones, stripped=True) for entry in services]
        tricky: list[Looked] = [] if options.only else [look(item, options.clones) for item in corpus.tricky]
    except MissingCloneError as missing:
        sys.exit(f"{missing}")
    text = page(whole, bare, tricky)
    if options.write is None:
        print(text)
    else:
        old = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        options.write.write_text(joined(text, halves(old)[1]), encoding="utf-8", newline="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus file")
    parser.add_argument("--clones", type=Path, required=True, help="a folder with OWNER/NAME clones, bare ones do")
    parser.add_argument("--only", default="", help="only services whose id holds this text, without the awkward places")
    parser.add_argument("--write", type=Path, help="write the page to this file")
    return parser.parse_args()


def _judged(entry: Entry, clones: Path, *, stripped: bool) -> Judged:
    strip = entry.strip if stripped else ()
    with borrowed(clones, entry.repo, commit=entry.commit, strip=strip, keep=entry.part) as repository:
        return judge(entry, plan(repository, entry.repo, part=entry.part, description=entry.description))


if __name__ == "__main__":
    main()
