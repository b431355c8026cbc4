"""The reference of the command line, from the commands themselves."""

import re
from typing import Final

from wedsync.processes.cli import EXITS, app

#: Usage lines name the module that is being run, which here is the one that writes the references.
_GENERATOR: Final = re.compile(r"^(wedsync(?: [\w-]+)+?) -m \S+", re.MULTILINE)
HEAD: Final = """\
# The command line

Generated from `wedsync/processes/cli.py` by `make docs`; `wedsync COMMAND --help` says the same.

What is not done is told in one sentence on standard error, with what to do about it. `listen` ends well by Ctrl-C.
Commands that ask a running WedSync take `--url` and `--token`, or `WEDSYNC_PUBLIC_URL` and `WEDSYNC_TOKEN`.

| Exit status | Means |
|---|---|
"""


def page() -> str:
    """Markdown, the commands in the order of their file."""
    statuses = "".join(f"| {status} | {words} |\n" for status, words in EXITS.items())
    _, first, commands = _GENERATOR.sub(r"\1", app.generate_docs()).partition("\n## wedsync ")
    return f"{HEAD}{statuses}{first}{commands.rstrip()}\n"
