"""Tells coverage.py what ran, so that it judges and prints it: `python -m tests.measuring.report`.

Which lines count, which branches there are and what is left out is all coverage.py's word, by tests/coverage.ini; only
the watching is ours (see seen.py).
"""

import json
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import coverage
from coverage.parser import PythonParser

from tests.measuring.seen import BODY, FOLDER, LINE, OTHER, PACKAGE, ROOT, kept, name_of

COUNTED = ("covered_lines", "num_statements", "covered_branches", "num_branches")


def arcs(source: Path, seen: bytes) -> list[tuple[int, int]]:
    """What ran as coverage.py would have traced it: from which line to which."""
    text = source.read_text()
    if not text:
        return []
    parser = PythonParser(text=text, filename=str(source))
    parser.parse_source()
    onward = defaultdict(set)
    for line, then in parser.arcs():
        onward[line].add(then)
    ran = {n // 3 for n in range(LINE, len(seen), 3) if seen[n]}
    made = [(line, line) for line in ran]
    for line in ran:
        body = min((then for then in onward[line] if then > line), default=0)
        taken, passed = seen[3 * line + BODY], seen[3 * line + OTHER]
        if taken or passed:
            made += [(line, then) for then in onward[line] if (taken if then == body else passed)]
        elif len(onward[line]) > 1:
            # Where a `finally` or a `with` is left to: what runs next is known by having run.
            made += [(line, then) for then in onward[line] if then in ran]
    return made


def judged(rcfile: Path, part: int, sources: list[Path]) -> tuple[Path, Path]:
    """What ran of these as coverage.py keeps it, and its word on them; a module that nobody loaded ran nowhere."""
    told = coverage.Coverage(config_file=str(rcfile), data_file=str(FOLDER / f"data.{part}"))
    data = told.get_data()
    data.erase()
    seen = kept(FOLDER)
    for source in sources:
        ran = seen.get(name_of(source))
        data.add_arcs({str(source): [] if ran is None else arcs(source, ran)})
        data.touch_file(str(source))
    data.write()
    report = FOLDER / f"coverage.{part}.json"
    told.json_report(morfs=[str(source) for source in sources], outfile=str(report))
    return Path(data.data_filename()), report


def tell(rcfile: Path) -> None:
    """Write what ran where coverage.py looks for it, and its word on it; nothing else runs then, so on two cores."""
    sources = [path for path in sorted(PACKAGE.rglob("*.py")) if "tests" not in path.relative_to(PACKAGE).parts]
    parts = [part for part in (sources[::2], sources[1::2]) if part]
    with ProcessPoolExecutor(len(parts)) as pool:
        made = list(pool.map(judged, [rcfile] * len(parts), range(len(parts)), parts))
    whole = coverage.CoverageData(basename=str(FOLDER / "data"))
    whole.erase()
    for data, _ in made:
        part = coverage.CoverageData(basename=str(data))
        part.read()
        whole.update(part)
        data.unlink()
    whole.write()
    words = [json.loads(report.read_text()) for _, report in made]
    totals = {name: sum(word["totals"][name] for word in words) for name in COUNTED}
    files = {name: said for word in words for name, said in word["files"].items()}
    (FOLDER / "coverage.json").write_text(json.dumps({"totals": totals, "files": files}))
    for _, report in made:
        report.unlink()


if __name__ == "__main__":
    tell(ROOT / "tests" / "coverage.ini")
