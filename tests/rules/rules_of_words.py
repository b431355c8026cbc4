"""House rules about what is written: no notes to self, no machine's paths, no papers that are not in the house."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.rules.house import ROOT, TEXT_SUFFIXES, Source, rule

EVERYTHING = tuple(sorted(TEXT_SUFFIXES))
CODE = (".py", ".sql", ".js", ".mjs", ".css", ".html", ".toml", ".sh", "")


# The words are cut in two, so that this file does not break the rules it makes.
def _word(*halves: str) -> str:
    return "".join(halves)


NOTES = re.compile(rf"\b({_word('TO', 'DO')}|{_word('FIX', 'ME')}|{_word('XX', 'X')}|{_word('HA', 'CK')})\b")
MACHINE_PATHS = re.compile(
    r"(?<![\w.~])("
    + "|".join((_word("/wo", "rk/"), _word("/ho", "me/\\w"), _word("/r", "oot/\\w"), _word("/Us", "ers/")))
    + ")"
)
SCRATCH_PATH = re.compile(rf"(?<![\w.]){_word('/t', 'mp/')}\w")
TOOLS = re.compile(
    r"\b("
    + "|".join(
        (
            *(
                _word("cl", "aude"),
                _word("chat", "gpt"),
                _word("co", "pilot"),
                _word("open", "ai"),
                _word("anth", "ropic"),
            ),
            *(
                _word("ll", "ms?"),
                _word("language ", "model"),
                _word("subage", "nts?"),
                _word("ai", "[ -](tool|generated|assist)\\w*"),
            ),
            _word("((coding|software|autonomous|ai) |by an )age", "nts?"),
            _word("(in|during|by|from) (this|a previous|an earlier|the last|another) ", "session"),
            _word("the ", "(integrator|other builders?)"),
        )
    )
    + r")\b"
)
"""In lower case: to look for either is twice the work."""
PAPER_WORDS = ("DESIGN", "HOUSE", "CONTRACT", "BRIEF", _word("rese", "arch/"))
PAPERS = re.compile(r"\b(DESIGN|HOUSE|CONTRACT|BRIEF)(\.md\b|'s\b|,?\s+(section\s+)?\d)|\bresearch/\w+")
# A page of docs/, or one of the papers at the root.
NAMED_FILE = re.compile(r"(?<![\w/.-])(?:docs/[\w/-]+\.md|[A-Z]{4,}\.md)\b")


@rule(
    "Nothing is left for later in a comment: it is done, or it is an issue.",
    suffixes=CODE,
    bad=(("wedsync/guests/actions.py", f'"""G."""\n# {_word("TO", "DO")}: mend\n'),),
    good=(("wedsync/guests/actions.py", '"""G."""\n# A method to do nothing.\n'),),
)
def nothing_is_left_for_later(source: Source) -> Iterator[str]:
    for found in NOTES.finditer(source.text):
        yield f"line {source.line_of(found.start())}: {found.group()}"


@rule(
    "No path of one machine is written down.",
    suffixes=EVERYTHING,
    bad=(
        ("docs/index.md", f"See {_word('/ho', 'me/ana/wedsync')}.\n"),
        ("wedsync/kit/config.py", f'"""C."""\ndata = "{_word("/r", "oot/data")}"\n'),
        ("wedsync/kit/config.py", f'"""C."""\ndata = "{_word("/t", "mp/data")}"\n'),
    ),
    good=(
        ("docs/index.md", f"Open https://example.com{_word('/ho', 'me/x')} or ~{_word('/wo', 'rk/')}.\n"),
        ("docs/index.md", f"`wedsync up --ready-file {_word('/t', 'mp/ready.json')}`\n"),
    ),
)
def no_machine_is_named(source: Source) -> Iterator[str]:
    for found in MACHINE_PATHS.finditer(source.text):
        yield f"line {source.line_of(found.start())}: {found.group()}; this path is of one machine"
    for found in SCRATCH_PATH.finditer(source.text) if source.path.startswith("wedsync/") else ():
        yield f"line {source.line_of(found.start())}: {found.group()}; ask the module tempfile"


@rule(
    "The text speaks of weddings and software, not of how it came to be written.",
    suffixes=EVERYTHING,
    bad=(
        ("docs/index.md", f"Written by an {_word('ag', 'ent')}.\n"),
        ("wedsync/kit/db.py", f'"""As decided in an {_word("earlier ", "session")}."""\n'),
        (f"docs/{_word('CLA', 'UDE')}.md", "# Words\n"),
    ),
    good=(
        ("wedsync/people/model.py", '"""Sessions: this session cookie is bound to the user agent (User-Agent)."""\n'),
        ("docs/glossary.md", "An agenda and an agency.\n"),
    ),
)
def text_speaks_of_weddings(source: Source) -> Iterator[str]:
    for found in TOOLS.finditer(source.text.lower()):
        yield f"line {source.line_of(found.start())}: '{found.group()}'"
    if TOOLS.search(PurePosixPath(source.path).stem.lower()):
        yield "the file's name"


@rule(
    "A paper that is named is in the house.",
    suffixes=EVERYTHING,
    bad=(
        ("wedsync/kit/db.py", f'"""The door ({_word("DES", "IGN 4.2")})."""\n'),
        ("wedsync/kit/db.py", f'"""The door (see {_word("rese", "arch/spine.md")})."""\n'),
        ("docs/index.md", f"Read {_word('docs', '/no-such-page.md')}.\n"),
    ),
    good=(("docs/index.md", "Read docs/glossary.md and STYLE.md; research is good design.\n"),),
)
def named_papers_exist(source: Source) -> Iterator[str]:
    # Most texts name none: a word is found in a tenth of the time of a pattern.
    for found in PAPERS.finditer(source.text) if any(word in source.text for word in PAPER_WORDS) else ():
        yield f"line {source.line_of(found.start())}: '{found.group()}' is not in this repository; say what it says"
    for found in NAMED_FILE.finditer(source.text) if ".md" in source.text else ():
        if not (ROOT / found.group()).exists():
            yield f"line {source.line_of(found.start())}: {found.group()} does not exist"
