"""What a migration should not do is found by line, and what it may is let through."""

import pytest

from wedsync.operations.database.lint import findings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("create index guests_name on public.guests (name);", "builds an index"),
        ("create unique index guests_name on guests (name);", "builds an index"),
        ("drop index guests_name;", "drops an index"),
        ("drop table if exists guests;", "drops a table"),
        ("alter table guests drop column name;", "drops a column"),
        ("alter table public.guests rename column name to called;", "renames"),
        ("alter table guests alter column name type varchar(9);", "writes the whole table anew"),
        ("alter table guests alter name set data type bigint;", "writes the whole table anew"),
        ("alter table guests alter column name set not null;", "reads the whole table under a lock"),
        ("alter table guests add constraint named check (name <> '');", "checks every row"),
        ("alter table guests add constraint k foreign key (a) references b (a);", "checks every row"),
        ("vacuum full guests;", "writes the whole table anew"),
        ("lock table guests;", "holds a lock"),
        ("TRUNCATE guests;", "empties a table"),
    ],
)
def test_what_holds_people_up_is_told_with_its_line(text: str, told: str) -> None:
    [found] = findings(f"-- what it is for\nselect 1;\n{text}\n")
    assert found.startswith(f"line 3: it {told}")


@pytest.mark.parametrize(
    "text",
    [
        "-- no transaction\ncreate index concurrently guests_name on guests (name);",
        "drop index concurrently guests_name;",
        "alter table guests add column name text;",
        "alter table guests add constraint n check (name <> '') not valid;\nalter table guests validate constraint n;",
        "create table plates (id int);\ncreate index plates_id on plates (id);\nalter table plates add check (id > 0);",
        "-- drop table guests;",
        "create function f() returns void language plpgsql as $$ begin truncate guests; end $$;",
    ],
)
def test_what_may_be_done_is_not_told(text: str) -> None:
    assert findings(text) == []
