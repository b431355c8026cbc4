"""Judges a coverage report: lines and branches apart, since their sum lets one hide behind the other."""

import argparse
import json
import sys
from pathlib import Path


def judge(totals: dict[str, int], *, lines_min: float, branches_min: float) -> tuple[str, bool]:
    """The sentence that is printed, and whether both are reached."""
    lines = _share(totals["covered_lines"], totals["num_statements"])
    branches = _share(totals["covered_branches"], totals["num_branches"])
    told = f"Coverage: lines {lines:.1f} % (least {lines_min:g}), branches {branches:.1f} % (least {branches_min:g})."
    return told, lines >= lines_min and branches >= branches_min


def _share(covered: int, all_of_them: int) -> float:
    return 100.0 * covered / all_of_them if all_of_them else 100.0


def worst(files: dict[str, dict[str, dict[str, int]]], number: int) -> list[str]:
    """The files of which most is missing, the worst last: lines and branches that never ran."""
    missing = {
        name: (said["summary"]["missing_lines"], said["summary"]["missing_branches"]) for name, said in files.items()
    }
    found = sorted((name for name in missing if any(missing[name])), key=lambda name: (*missing[name], name))
    return [f"{name:<60} lines {missing[name][0]:4}  branches {missing[name][1]:4}" for name in found[-number:]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("--lines", type=float, required=True)
    parser.add_argument("--branches", type=float, required=True)
    asked = parser.parse_args()
    said = json.loads(asked.report.read_text())
    print(*worst(said["files"], 40), sep="\n")
    told, is_enough = judge(said["totals"], lines_min=asked.lines, branches_min=asked.branches)
    print(told)
    sys.exit(0 if is_enough else "Too little is covered: test what is missing above.")


if __name__ == "__main__":
    main()
