"""House rules about SQL: where it may stand, how it is written, and what it may not say."""

import ast
import re
from collections.abc import Iterator

from tests.rules.house import Source, rule, sql_code
from tests.rules.named_queries import parse

MACHINE_CLOCK = re.compile(
    r"(?<![\w.])(now\s*\(\s*\)|(clock|statement|transaction)_timestamp\s*\(|(current|local)_?(timestamp|date|time)\b)",
    flags=re.IGNORECASE,
)
# The words that open or shape a statement; names of types and functions are left to taste.
SHOUTED = re.compile(
    r"\b(ADD|ALL|ALTER|AND|AS|ASC|BEGIN|BETWEEN|BY|CASE|CHECK|COMMENT|COMMIT|CONFLICT|CONSTRAINT|CREATE|CROSS|"
    r"DECLARE|DEFAULT|DELETE|DESC|DISTINCT|DO|DROP|ELSE|ELSIF|END|EXECUTE|EXISTS|FOR|FOREIGN|FROM|FULL|FUNCTION|"
    r"GRANT|GROUP|HAVING|IF|IN|INDEX|INNER|INSERT|INTO|IS|JOIN|KEY|LANGUAGE|LATERAL|LEFT|LIKE|LIMIT|LOCKED|LOOP|"
    r"MERGE|NOT|NOTHING|NULL|OFFSET|ON|OR|ORDER|OUTER|OVER|PARTITION|PERFORM|POLICY|PRIMARY|RAISE|REFERENCES|"
    r"RETURN|RETURNING|RETURNS|REVOKE|RIGHT|ROLLBACK|SELECT|SET|SKIP|TABLE|THEN|TO|TRIGGER|UNION|UNIQUE|UPDATE|"
    r"USING|VALUES|VIEW|WHEN|WHERE|WITH)\b"
)
STATEMENT = re.compile(
    r"^\s*(select\s.+\sfrom\s|select\s+app\.|insert\s+into\s|update\s+[\w.]+\s+(as\s+\w+\s+)?set\s|delete\s+from\s"
    r"|with\s+\w+\s+as\s*\(|(create|alter|drop)\s+(table|role|function|policy|schema|database|user)\b"
    r"|(grant|revoke)\s.+\s(on|to|from)\s|set\s+(local\s+)?(role|app\.))",
    flags=re.IGNORECASE | re.DOTALL,
)
# A door's function called by name; test_sql.py prepares these as it does named queries.
APP_CALL = re.compile(r"select (?:\* from )?app\.\w+\((?:\$\d+(?:::\w+(?:\[\])?)?(?:, )?)*\)")
# A statement cut off by the first placeholder: f"select {columns} from guests".
FRAGMENT = re.compile(
    r"^\s*(select\s|insert\s+into\s|update\s+\w*\s*$|update\s+[\w.]+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\("
    r"|(create|alter|drop)\s+(table|role|function|policy|schema|database|user)\b|set\s+(local\s+)?(role|app\.))",
    flags=re.IGNORECASE,
)
FUNCTION_NAME = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w.]+)", flags=re.IGNORECASE)
# kit.db opens a transaction in one round trip, so it writes ids, proved to be UUIDs, into the text of `app.enter`.
ASSEMBLED_SQL_FILES = {"wedsync/processes/sealed_statements.py", "wedsync/kit/db.py"}
SQL_FILES = (".sql",)
# app.settle is what every app.enter function ends in; no door may call it.
ENTERING = ("app.enter", "app.settle")


def _enter(name: str) -> str:
    return (
        f"create function {name}(p_tenant uuid) returns void language plpgsql as $$\nbegin\n"
        "  perform set_config('app.tenant', p_tenant::text, true);\nend $$;\n"
    )


@rule(
    "A noun asks app.now() for the time, never the machine's clock.",
    suffixes=SQL_FILES,
    bad=(
        ("wedsync/guests/queries.sql", "-- name: late\nselect 1 from locks where reply_by < now();\n"),
        ("wedsync/tasks/queries.sql", "-- name: due\nselect 1 from tasks where due_at < clock_timestamp();\n"),
        ("wedsync/tasks/queries.sql", "-- name: due\nselect 1 from tasks where due_on < current_date;\n"),
        ("wedsync/people/queries.sql", "-- name: alive\nselect expires_at > now() from sessions;\n"),
    ),
    good=(
        ("wedsync/guests/queries.sql", "-- name: late\n-- not now(): a drill moves it\nselect app.now();\n"),
        ("wedsync/events/queries.sql", "-- name: lease\nselect clock_timestamp();\n"),
        ("wedsync/people/queries.sql", "-- name: alive\nselect expires_at > clock_timestamp() from sessions;\n"),
    ),
)
def nouns_ask_wedding_time(source: Source) -> Iterator[str]:
    if source.package in {"", "kit", "events"}:
        return
    for found in MACHINE_CLOCK.finditer(sql_code(source.text)):
        # Sessions and keys live by the machine's clock, which people must then call by its full name.
        if source.package == "people" and found.group().startswith("clock_timestamp"):
            continue
        yield f"line {source.line_of(found.start())}: {found.group()}; ask app.now()"


@rule(
    "Who a transaction acts as is set by the app.enter functions in db/ (through app.settle) and nowhere else.",
    suffixes=(".sql", ".py"),
    bad=(
        ("db/schema/20_weddings.sql", _enter("app.become")),
        ("wedsync/guests/queries.sql", "-- name: open\nselect set_config('app.mask', '2047', true);\n"),
        ("wedsync/guests/actions.py", '"""G."""\nsql = "select set_config($1, $2, true)"\n'),
        ("wedsync/guests/queries.sql", "-- name: open\nset local app.mask = 2047;\n"),
    ),
    good=(
        ("db/schema/01_app.sql", _enter("app.enter")),
        ("db/schema/01_app.sql", "-- set_config is called by app.enter alone\n" + _enter("app.enter_pass")),
        ("tests/access/test_forging.py", '"""F."""\nsql = "select set_config($1, $2, true)"\n'),
    ),
)
def settings_are_set_by_enter(source: Source) -> Iterator[str]:
    if not source.path.startswith(("db/", "wedsync/")) or source.is_test:
        return
    code = sql_code(source.text) if source.suffix == ".sql" else source.text
    for found in re.finditer(r"\bset_config\s*\(|\bset\s+(?:local\s+|session\s+)?app\.", code, flags=re.IGNORECASE):
        inside = FUNCTION_NAME.findall(code, 0, found.start())
        if not (source.path.startswith("db/") and inside and inside[-1].startswith(ENTERING)):
            yield f"line {source.line_of(found.start())}: {found.group()} outside the app.enter functions of db/"


@rule(
    "SQL keywords are lower case.",
    suffixes=SQL_FILES,
    bad=(("wedsync/guests/queries.sql", "-- name: all_guests\nSELECT id FROM guests;\n"),),
    good=(
        ("wedsync/guests/queries.sql", "-- name: added\n-- AFTER INSERT\nselect id from events where op = 'INSERT';\n"),
    ),
)
def sql_does_not_shout(source: Source) -> Iterator[str]:
    for number, line in enumerate(sql_code(source.text).splitlines(), start=1):
        shouted = SHOUTED.findall(line)
        if shouted:
            yield f"line {number}: {' '.join(shouted)} in upper case"


@rule(
    "A query names its columns.",
    suffixes=SQL_FILES,
    bad=(
        ("wedsync/guests/queries.sql", "-- name: all_guests\nselect * from guests;\n"),
        ("wedsync/guests/queries.sql", "-- name: all_guests\nselect g.id, p.* from guests g, parties p;\n"),
    ),
    good=(
        ("wedsync/guests/queries.sql", "-- name: how_many\nselect count(*) from guests;\n"),
        ("wedsync/guests/queries.sql", "-- name: double\nselect price_minor * 2 from meals;\n"),
    ),
)
def columns_are_named(source: Source) -> Iterator[str]:
    if not source.path.startswith("wedsync/"):
        return
    for found in re.finditer(r"\bselect\s+(distinct\s+)?\*|\bselect\b[^;()]*?[\s,]\w+\.\*", sql_code(source.text)):
        yield f"line {source.line_of(found.start())}: a star; name the columns, so that a new one cannot leak"


@rule(
    "Every statement of queries.sql has a name of its own.",
    suffixes=SQL_FILES,
    bad=(
        ("wedsync/guests/queries.sql", "select id from guests;\n"),
        ("wedsync/guests/queries.sql", "-- name: one\nselect 1;\n\nselect 2;\n"),
        ("wedsync/guests/queries.sql", "-- name: one\nselect 1;\n\n-- name: one\nselect 2;\n"),
        ("wedsync/guests/queries.sql", "-- name: top_10\nselect 1;\n"),
        ("wedsync/guests/queries.sql", "-- name: nothing\n-- only words\n"),
    ),
    good=(("wedsync/guests/queries.sql", "-- Every statement of guests.\n\n-- name: one\nselect ';' as mark;\n"),),
)
def statements_have_names(source: Source) -> Iterator[str]:
    if not source.path.endswith("/queries.sql"):
        return
    found = parse(source.text)
    if sql_code(found.before).strip():
        yield "a statement before the first '-- name:'"
    for name in sorted({query.name for query in found.queries if found.names.count(query.name) > 1}):
        yield f"{name} is there twice"
    for query in found.queries:
        statements = [part for part in sql_code(query.text).split(";") if part.strip()]
        if not re.fullmatch(r"[a-z_]+", query.name):  # kit.sql would read past any other
            yield f"{query.name} (line {query.line}) is not a name of lower-case letters"
        if len(statements) != 1:
            yield f"{query.name} (line {query.line}) holds {len(statements)} statements; one name, one statement"


@rule(
    "No SQL is put together from strings.",
    bad=(
        ("wedsync/guests/actions.py", '"""G."""\nsql = f"select id from guests where name = {name}"\n'),
        ("wedsync/guests/actions.py", '"""G."""\nsql = f"select {columns} from guests"\n'),
        ("wedsync/guests/actions.py", '"""G."""\nsql = "select id from {}".format(table)\n'),
        ("wedsync/guests/actions.py", '"""G."""\nsql = "delete from guests where id = %s" % guest\n'),
        ("wedsync/guests/actions.py", '"""G."""\nsql = "update guests set name = " + name\n'),
    ),
    good=(
        ("wedsync/guests/actions.py", '"""G."""\ntext = f"Select a table for {name}"\n'),
        ("wedsync/guests/actions.py", '"""G."""\nrows = tx.rows(queries.all_guests, party)\n'),
        ("wedsync/kit/db.py", '"""D."""\nsql = f"select app.enter({actor})"\n'),
        ("tests/access/test_matrix.py", '"""M."""\nsql = f"select id from {table}"\n'),
    ),
)
def sql_is_not_assembled(source: Source) -> Iterator[str]:
    if not source.path.startswith("wedsync/") or source.is_test or source.path in ASSEMBLED_SQL_FILES:
        return
    for node in source.nodes:
        text = _assembled_from(node)
        if text is not None and (_is_statement(text) or _is_fragment(text)):
            yield f"line {node.lineno}: SQL put together from strings; bind a parameter in queries.sql"  # type: ignore[attr-defined]


def _is_fragment(text: str) -> bool:
    return FRAGMENT.match(text) is not None and text.lstrip()[:1].islower()


def _assembled_from(node: ast.AST) -> str | None:
    """The text of a string that is being filled in, with its holes left out; None for anything else."""
    if isinstance(node, ast.JoinedStr):
        if not any(isinstance(part, ast.FormattedValue) for part in node.values):
            return None
        return "".join(str(part.value) if isinstance(part, ast.Constant) else " x " for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add) and isinstance(node.left, ast.Constant):
        return node.left.value if isinstance(node.left.value, str) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        target = node.func.value
        return target.value if isinstance(target, ast.Constant) and isinstance(target.value, str) else None
    return None


@rule(
    "A noun's SQL stands in its queries.sql; in Python it may call one function of app.",
    bad=(
        ("wedsync/guests/actions.py", '"""G."""\nrows = tx.rows("select id from guests where id = $1", guest)\n'),
        ("wedsync/people/api.py", '"""P."""\nrows = tx.rows("select * from app.places($1) join weddings on true")\n'),
        ("wedsync/events/live.py", '"""L."""\nSQL = """\n    with due as (select 1)\n    select 1\n"""\n'),
    ),
    good=(
        ("wedsync/guests/actions.py", '"""select id from guests is in queries.sql."""\n'),
        ("wedsync/guests/pages.py", '"""G."""\nlabel = "Select a guest from the list"\n'),
        ("wedsync/people/actions.py", '"""P."""\nperson = tx.value("select app.person_for($1)", email)\n'),
        ("wedsync/people/api.py", '"""P."""\nrows = tx.rows("select * from app.places($1)", person)\n'),
        ("wedsync/kit/db.py", '"""D."""\nsql = "select app.locate($1, $2)"\n'),
    ),
)
def sql_stands_in_its_file(source: Source) -> Iterator[str]:
    if source.package in {"", "kit", "processes"} or source.is_test:
        return
    documentation = {
        id(node.body[0].value)
        for node in source.nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in source.nodes:
        if not isinstance(node, ast.Constant) or id(node) in documentation or not _is_statement(node.value):
            continue
        if not APP_CALL.fullmatch(str(node.value)):
            yield f"line {node.lineno}: a statement in Python; give it a name in queries.sql"


@rule(
    "A statement that fills what a change does not name from the row itself locks that row before it reads it.",
    suffixes=SQL_FILES,
    bad=(
        (
            "wedsync/guests/queries.sql",
            "-- name: change\nupdate guests g set role = n.role\n"
            "from (select (jsonb_populate_record(x, $2)).* from guests x where x.id = $1) n\nwhere g.id = $1\n",
        ),
    ),
    good=(
        (
            "wedsync/guests/queries.sql",
            "-- name: change\nupdate guests g set role = n.role\n"
            "from (select (jsonb_populate_record(x, $2)).* from guests x where x.id = $1 for no key update) n\n"
            "where g.id = $1\n",
        ),
        (
            "wedsync/guests/queries.sql",
            "-- name: add\ninsert into guests (role)\nselect n.role from jsonb_populate_record(null::guests, $1) n\n",
        ),
    ),
)
def what_is_filled_up_is_locked(source: Source) -> Iterator[str]:
    # Else the row is read as it was when the statement began, and what somebody has committed meanwhile is put back.
    for query in parse(source.text).queries:
        code = sql_code(query.text)
        if re.search(r"jsonb_populate_record\((?!null)", code) and "for no key update" not in code:
            yield f"line {query.line}: {query.name} reads the row without `for no key update`"


def _is_statement(value: object) -> bool:
    # Prose begins with a capital and SQL here does not, so "Select a table for …" stays prose.
    return isinstance(value, str) and STATEMENT.match(value) is not None and value.lstrip()[:1].islower()
