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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("--lines", type=float, required=True)
    parser.add_argument("--branches", type=float, required=True)
    asked = parser.parse_args()
    totals = json.loads(asked.report.read_text())["totals"]
    told, is_enough = judge(totals, lines_min=asked.lines, branches_min=asked.branches)
    print(told)
    sys.exit(0 if is_enough else "Too little is covered: test what is missing above.")


if __name__ == "__main__":
    main()
