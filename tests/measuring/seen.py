"""What ran: a byte for each line and each branch of each module, in a file that all processes of a run share.

A tracer costs more than the tests themselves (CPython 3.11 calls it at each line), and a process that is killed takes
along what its tracer knew. Here the code says itself that it runs: before each statement stands `seen[n] = 1`, where
`seen` is the module's part of a file in shared memory. So nothing is kept in a process, and a killed one loses nothing.
It is one file for all, since each that is mapped keeps a descriptor open, and `select` knows no more than 1,024.

The n are 3 x line + kind. The changed code is kept beside, as Python keeps its own, since changing it takes seconds.
"""

import ast
import fcntl
import functools
import marshal
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "wedsync"
FOLDER = ROOT / "var" / "coverage"
CODE = ROOT / "var" / "measured"
LINE, BODY, OTHER = range(3)
"""A statement began; a branch was taken; it was passed by."""
NAME = "__seen__"
KNOWN: dict[str, tuple[int, int]] = {}
"""Where each module's bytes are, in their order, as far as this process has read."""
READ = [0]
"""So much of the file of places."""
BYTES_MAX = 1 << 24
"""Of all modules together, 3 a line; what is never written takes no room."""


def name_of(source: Path) -> str:
    """How the files of a module are called."""
    return ".".join(source.relative_to(ROOT).with_suffix("").parts)


def opened(name: str, size: int) -> memoryview:
    """The bytes of a module, which every process that runs it shares."""
    first = _first_byte(name, size)
    return memoryview(_shared())[first : first + size]


def kept(folder: Path) -> dict[str, bytes]:
    """What every module's bytes are in the end."""
    places = folder / "places"
    if not places.exists():
        return {}
    seen = (folder / "seen").read_bytes()
    return {name: seen[first : first + size] for name, (first, size) in _places(places.read_text()).items()}


@functools.cache
def _shared() -> mmap.mmap:
    number = os.open(FOLDER / "seen", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.truncate(number, BYTES_MAX)
        return mmap.mmap(number, BYTES_MAX)
    finally:
        os.close(number)


def _first_byte(name: str, size: int) -> int:
    """Where the bytes of a module begin: as the first process that loaded it said."""
    if name not in KNOWN:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with (FOLDER / "places").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Only what others wrote meanwhile. The last line is of the last bytes.
            file.seek(READ[0])
            KNOWN.update(_places(file.read()))
            if name not in KNOWN:
                KNOWN[name] = (sum(next(reversed(KNOWN.values()), (0, 0))), size)
                file.write(f"{name} {KNOWN[name][0]} {size}\n")
            READ[0] = file.tell()
    first, length = KNOWN[name]
    if first + length > BYTES_MAX:
        raise MemoryError(f"{FOLDER / 'seen'} is too small for all modules: raise BYTES_MAX")
    return first


def _places(text: str) -> dict[str, tuple[int, int]]:
    """Of each module that was loaded: its first byte, and how many."""
    lines = (line.split() for line in text.splitlines())
    return {name: (int(first), int(size)) for name, first, size in lines}


class Finder(MetaPathFinder):
    """Finds modules of the package where Python would, and gives them to a loader that changes their code."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE.name or ".tests" in fullname:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or not Path(spec.origin).is_relative_to(PACKAGE):
            return spec
        if type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(fullname, spec.origin)
        return spec


class Loader(SourceFileLoader):
    """Loads a module with its marks."""

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path)
        kept = CODE / f"{name_of(source)}.{sys.implementation.cache_tag}"
        said = source.stat()
        state = f"{said.st_mtime_ns} {said.st_size} {Path(__file__).stat().st_mtime_ns}".ljust(80).encode()
        if kept.exists() and (data := kept.read_bytes())[:80] == state:
            code: CodeType = marshal.loads(data[80:])
            return code
        code = compile(marked(source.read_text(), name_of(source)), self.path, "exec", dont_inherit=True)
        CODE.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_bytes(state + marshal.dumps(code))
        draft.replace(kept)
        return code


def marked(text: str, name: str) -> ast.Module:
    """The code with its marks, and before them the line that opens their file."""
    tree = ast.parse(text)
    tree.body = _block(tree.body, has_words=True)
    size = 3 * (text.count("\n") + 2)
    opening = ast.parse(f"{NAME} = __import__('seen').opened({name!r}, {size})").body
    first = next((n for n, one in enumerate(tree.body) if not (_is_words(one) or _is_future(one))), len(tree.body))
    tree.body[first:first] = opening + [_mark(one.lineno, LINE) for one in tree.body[:first] if _is_future(one)]
    return tree


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _is_words(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _mark(line: int, kind: int) -> ast.stmt:
    """`seen[n] = 1`, made by hand: to parse a hundred thousand of them takes longer than to read all modules."""
    at = _place(line)
    number = ast.Constant(3 * line + kind, **at)
    place = ast.Subscript(ast.Name(NAME, ast.Load(), **at), number, ast.Store(), **at)
    return ast.Assign([place], ast.Constant(1, **at), **at)


def _place(line: int) -> dict[str, Any]:
    return {"lineno": line, "end_lineno": line, "col_offset": 0, "end_col_offset": 0}


def _at(line: int, node: Any) -> Any:
    """The same, as if it stood there: so lines of tracebacks stay true."""
    one: Any
    for one in ast.walk(node):
        if hasattr(one, "lineno"):
            one.lineno = one.end_lineno = line
    return node


def _block(statements: list[ast.stmt], *marks: ast.stmt, has_words: bool = False) -> list[ast.stmt]:
    """Statements with a mark before each; words that document the block stay what it begins with."""
    made: list[ast.stmt] = [*marks]
    for n, one in enumerate(statements):
        if not (has_words and n == 0 and _is_words(one)) and not _is_future(one):
            made += [_mark(line, LINE) for line in _lines(one)]
        _change(one)
        made.append(one)
    return made


def _lines(statement: ast.stmt) -> Iterator[int]:
    yield from (one.lineno for one in getattr(statement, "decorator_list", ()))
    yield statement.lineno


def _change(one: Any) -> None:
    """Mark what is inside of a statement."""
    line = one.lineno
    if isinstance(one, ast.If | ast.For | ast.AsyncFor | ast.While):
        one.body = _block(one.body, _mark(line, BODY))
        one.orelse = _block(one.orelse, _mark(line, OTHER))
    elif isinstance(one, ast.Try | ast.TryStar):
        one.body, one.orelse, one.finalbody = _block(one.body), _block(one.orelse), _block(one.finalbody)
        _change_handlers(one.handlers)
    elif isinstance(one, ast.Match):
        _change_cases(one.cases)
    elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        one.body = _block(one.body, has_words=True)
    elif isinstance(one, ast.With | ast.AsyncWith):
        one.body = _block(one.body)


def _change_handlers(handlers: list[ast.ExceptHandler]) -> None:
    """To be asked for its type is the line of a handler, and that the one before it was passed by."""
    before = 0
    for handler in handlers:
        line = handler.lineno
        if handler.type is not None:
            numbers = [3 * line + LINE, *([3 * before + OTHER] if before else [])]
            said = " or ".join(f"{NAME}.__setitem__({n}, 1)" for n in numbers)
            asked = _at(line, ast.parse(f"{said} or None", mode="eval").body)
            asked.values[-1] = handler.type
            handler.type = asked
        handler.body = _block(handler.body, _mark(line, LINE), _mark(line, BODY))
        before = line


def _change_cases(cases: list[ast.match_case]) -> None:
    """Cases are tried in turn, so whichever it is, those before it were passed by."""
    last = cases[-1]
    is_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
    if not is_all:
        cases.append(ast.match_case(ast.MatchAs(**_place(last.pattern.lineno)), None, []))
    passed: list[int] = []
    for case in cases:
        marks = [_mark(line, kind) for line in passed for kind in (LINE, OTHER)]
        if case.body:
            line = case.pattern.lineno
            passed.append(line)
            marks += [_mark(line, LINE), _mark(line, BODY)]
        case.body = _block(case.body, *marks)
