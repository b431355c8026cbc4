"""Settings: read, completed, judged, handed on, and never talkative about secrets."""

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit import config_checks
from wedsync.kit.config import FIELDS, Settings, SettingsInvalid, describe, is_secret, load, variable, with_ports
from wedsync.kit.config_connectors import ConnectorSettings
from wedsync.processes import references

KEY = base64.b64encode(bytes(32)).decode()
SECRET = "s" * 40
LIVE = {
    "WEDSYNC_ENV": "production",
    "WEDSYNC_JWT_SECRET": SECRET,
    "WEDSYNC_COUPLES_WEBHOOK_SECRET": SECRET,
    "WEDSYNC_SEAL_KEYS": f"k1:{KEY}",
    "WEDSYNC_PUBLIC_URL": "https://wedsync.example",
    "WEDSYNC_GATEWAY_URL": "wss://live.wedsync.example",
    "WEDSYNC_SMTP_URL": "smtp://u:p@mail.example:587",
}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The least a profile without a real wedding needs."""
    return {"WEDSYNC_DATA_DIR": str(tmp_path)}


def refused(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as caught:
        load(environ)
    return caught.value.problems


def test_nothing_set_is_a_development_machine(home: dict[str, str]) -> None:
    settings = load(home)
    assert (settings.env, settings.port, settings.web_workers, settings.egress_allow) == ("development", 8000, 2, ())
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.gateway_url == "ws://127.0.0.1:8001"
    assert settings.sandbox_url == "http://127.0.0.1:8002"
    assert settings.smtp_url == "smtp://127.0.0.1:8025"
    assert settings.log_to == "folder"
    assert settings.is_play


def test_an_empty_variable_is_an_absent_one(home: dict[str, str]) -> None:
    assert load(home | {"WEDSYNC_PORT": "", "WEDSYNC_ENV": "  "}) == load(home)


def test_values_are_read_by_their_type(home: dict[str, str]) -> None:
    settings = load(
        home | {"WEDSYNC_PORT": "9000", "WEDSYNC_EGRESS_ALLOW": "10.0.0.0/8, ::1/128,", "WEDSYNC_HOST": "0.0.0.0"}
    )
    assert settings.egress_allow == ("10.0.0.0/8", "::1/128")
    assert settings.public_url == "http://127.0.0.1:9000"


def test_a_relative_data_folder_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({}).data_dir == tmp_path / "var"


def test_every_problem_is_told_at_once(home: dict[str, str]) -> None:
    problems = refused(home | {"WEDSYNC_PORT": "x", "WEDSYNC_ENV": "prod", "WEDSYNC_WEB_WORKERS": "0"})
    assert problems == (
        "WEDSYNC_ENV must be one of development, test, drill, staging, production; it is 'prod'.",
        "WEDSYNC_PORT must be a whole number from 0 to 65535; it is 'x'.",
        "WEDSYNC_WEB_WORKERS must be a whole number from 1 to 64; it is '0'.",
    )


def test_a_misspelt_setting_is_told_and_a_connectors_is_kept(home: dict[str, str]) -> None:
    assert refused(home | {"WEDSYNC_DATABSE_URL": "x"}) == (
        "WEDSYNC_DATABSE_URL is not a setting; did you mean WEDSYNC_DATABASE_URL?",
    )
    settings = load(home | {"WEDSYNC_DISCORD_BASE_URL": "http://127.0.0.1:1", "PATH": "/bin"})
    assert settings.connector_environ == {"WEDSYNC_DISCORD_BASE_URL": "http://127.0.0.1:1"}


def test_secrets_are_made_once_and_kept_private(home: dict[str, str], tmp_path: Path) -> None:
    first = load(home)
    assert load(home) == first
    assert len(first.jwt_secret) >= 32
    kept = tmp_path / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["jwt_secret"] == first.jwt_secret


def test_processes_that_start_at_once_agree_on_the_secrets(home: dict[str, str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load(home).seal_keys, range(16)))
    assert len(set(found)) == 1


@pytest.mark.parametrize("env", ["staging", "production"])
def test_a_real_profile_makes_no_secrets_and_asks_for_them(env: str, tmp_path: Path) -> None:
    environ = {k: v for k, v in LIVE.items() if "SECRET" not in k and "SEAL" not in k}
    problems = refused(environ | {"WEDSYNC_ENV": env, "WEDSYNC_DATA_DIR": str(tmp_path / "var")})
    assert [problem.partition(" ")[0] for problem in problems] == [
        "WEDSYNC_JWT_SECRET",
        "WEDSYNC_COUPLES_WEBHOOK_SECRET",
        "WEDSYNC_SEAL_KEYS",
    ]
    assert not (tmp_path / "var").exists()


def test_a_live_profile_is_accepted_when_complete() -> None:
    settings = load(LIVE)
    for proxy in ("http://proxy.example:3128", "https://ana:word@proxy.example", "http://ana:word@127.0.0.1:3128"):
        assert load(LIVE | {"WEDSYNC_EGRESS_PROXY": proxy}).egress_proxy == proxy
    assert not settings.is_play
    assert settings.log_to == "terminal"
    assert load(LIVE | {"WEDSYNC_LOG_TO": "folder"}).log_to == "folder"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"WEDSYNC_EGRESS_ALLOW": "10.0.0.0/8"}, "must be empty in production"),
        ({"WEDSYNC_EGRESS_PROXY": "http://ana:word@proxy.example:3128"}, "would send its password in clear"),
        ({"WEDSYNC_EGRESS_PROXY": "socks5://proxy.example"}, "must be an address that starts with http:// or https://"),
        ({"WEDSYNC_DATABASE_URL": "postgresql://u:p@db.example/w"}, "without verified TLS"),
        ({"WEDSYNC_DATABASE_URL": "postgresql://u:p@db.example/w?sslmode=require"}, "without verified TLS"),
        (
            {"WEDSYNC_OWNER_DATABASE_URL": "postgresql://u:p@127.0.0.1,db.example/w"},
            "WEDSYNC_OWNER_DATABASE_URL leaves",
        ),
        ({"WEDSYNC_DATABASE_URL": "postgresql:///w?host=db.example"}, "without verified TLS"),
        ({"WEDSYNC_DATABASE_URL": "postgresql://u:p@db1,db2/w?sslmode=verify-full"}, "target_session_attrs=read-write"),
        ({"WEDSYNC_VALKEY_URL": "valkey://cache.example"}, "Use valkeys:// instead"),
        ({"WEDSYNC_PUBLIC_URL": "http://wedsync.example"}, "WEDSYNC_PUBLIC_URL must be the https://"),
        ({"WEDSYNC_GATEWAY_URL": ""}, "WEDSYNC_GATEWAY_URL must be the wss://"),
        ({"WEDSYNC_SMTP_URL": ""}, "people sign in by mail"),
        ({"WEDSYNC_JWT_SECRET": "short"}, "too short"),
        ({"WEDSYNC_SEAL_KEYS": "k1:abc"}, "k1"),
        ({"WEDSYNC_SEAL_KEYS": f"k1:{KEY},k1:{KEY}"}, "twice"),
        ({"WEDSYNC_TLS_CERT": "/nowhere.pem"}, "belong together"),
        ({"WEDSYNC_DATABASE_URL": "mysql://x"}, "starts with postgresql:// or postgres://"),
        ({"WEDSYNC_PORT": "8001"}, "must differ"),
    ],
)
def test_a_live_profile_refuses(changed: dict[str, str], told: str) -> None:
    assert any(told in problem for problem in refused(LIVE | changed))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@127.0.0.1:5432/w",
        "postgresql://u:p@[::1]:5432/w",
        "postgresql://u:p@localhost/w",
        "postgresql://u:p@/w?host=/var/run/postgresql",
        "postgresql://u:p@%2Fvar%2Frun/w",
        "postgresql://u:p@db.example/w?sslmode=verify-full",
    ],
)
def test_a_live_profile_takes_a_database_by_socket_loopback_or_verified_tls(url: str) -> None:
    assert load(LIVE | {"WEDSYNC_DATABASE_URL": url}).database_url == url


def test_a_network_that_is_none_is_told(home: dict[str, str]) -> None:
    assert refused(home | {"WEDSYNC_EGRESS_ALLOW": "10.0.0.0/33"}) == (
        "WEDSYNC_EGRESS_ALLOW holds '10.0.0.0/33', which is no network; write it like 10.1.0.0/16.",
    )


def test_tls_changes_the_addresses(home: dict[str, str], tmp_path: Path) -> None:
    for name in ("cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    tls = {"WEDSYNC_TLS_CERT": str(tmp_path / "cert.pem"), "WEDSYNC_TLS_KEY": str(tmp_path / "key.pem")}
    settings = load(home | tls)
    assert settings.has_tls
    assert settings.public_url == "https://127.0.0.1:8000"
    assert settings.gateway_url == "wss://127.0.0.1:8001"
    assert any("there is no file" in problem for problem in refused(home | tls | {"WEDSYNC_TLS_KEY": "/nowhere"}))


def test_what_is_handed_to_a_process_reads_back_the_same(home: dict[str, str]) -> None:
    settings = load(home | {"WEDSYNC_EGRESS_ALLOW": "127.0.0.0/8", "WEDSYNC_DISCORD_BASE_URL": "http://127.0.0.1:1"})
    assert load(settings.environ()) == settings
    given = msgspec.structs.replace(settings, database_url="postgresql://127.0.0.1/w")
    assert "WEDSYNC_DATABASE_URL" not in given.environ(without=["database_url"])


def test_a_door_that_was_not_given_says_what_to_do(home: dict[str, str]) -> None:
    settings = load(home | {"WEDSYNC_DATABASE_URL": "postgresql://127.0.0.1/w"})
    assert settings.door("user") == "postgresql://127.0.0.1/w"
    with pytest.raises(SettingsInvalid, match="WEDSYNC_OWNER_DATABASE_URL is needed here"):
        settings.door("owner")


def test_other_ports_move_the_addresses_that_follow_them(home: dict[str, str]) -> None:
    settings = with_ports(load(home), port=1, gateway_port=2, sandbox_port=3, sandbox_smtp_port=4)
    assert settings.public_url == "http://127.0.0.1:1"
    assert settings.gateway_url == "ws://127.0.0.1:2"
    assert settings.sandbox_url == "http://127.0.0.1:3"
    assert settings.smtp_url == "smtp://127.0.0.1:4"
    named = load(home | {"WEDSYNC_PUBLIC_URL": "https://w.example"})
    assert with_ports(named, port=1).public_url == "https://w.example"


def test_no_secret_is_shown(home: dict[str, str]) -> None:
    settings = load(home | {"WEDSYNC_VALKEY_URL": "valkey://:canary@127.0.0.1"})
    shown = repr(settings)
    assert "canary" not in shown
    assert settings.jwt_secret not in shown
    assert "port=8000" in shown
    told = refused(home | {"WEDSYNC_VALKEY_URL": "http://canary", "WEDSYNC_JWT_SECRET": "canary"})
    assert not any("canary" in problem for problem in told)


def test_every_field_is_described_and_every_url_with_a_password_is_secret() -> None:
    for name in FIELDS:
        assert describe(name).endswith("."), name
        assert variable(name) == f"WEDSYNC_{name.upper()}"
    secret = {name for name in FIELDS if is_secret(name)}
    connectors = ConnectorSettings.__struct_fields__
    assert all(
        (name in secret) == name.endswith(("_secret", "_token", "_secret_key", "_api_key", "_webhook_secrets"))
        for name in connectors
    )
    assert secret - set(connectors) == {
        *config_checks.DATABASES,
        *("valkey_url", "smtp_url", "egress_proxy", "jwt_secret", "seal_keys", "couples_webhook_secret"),
        "otlp_headers",
    }


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The references as they are generated, which takes seconds."""
    return {path: make() for path, make in references.PAGES.items()}


def test_the_committed_references_are_the_generated_ones(pages: dict[str, str]) -> None:
    for path, text in pages.items():
        assert (references.ROOT / path).read_text() == text, f"{path} is stale; run `make docs`"


def test_references_are_written_where_they_differ(
    tmp_path: Path, pages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "PAGES", {path: lambda text=text: text for path, text in pages.items()})
    assert references.write(tmp_path) == list(pages)
    assert {path: (tmp_path / path).read_text() for path in pages} == pages
    assert references.write(tmp_path) == []


@given(
    st.dictionaries(
        st.sampled_from([variable(n) for n in FIELDS if n != "data_dir"]),
        st.text(st.characters(exclude_characters="\0"), max_size=30),
        max_size=6,
    )
)
def test_no_text_in_a_variable_makes_it_crash(environ: dict[str, str]) -> None:
    try:
        settings = load(LIVE | environ)
    except SettingsInvalid as invalid:
        assert all(problem.endswith((".", "?")) for problem in invalid.problems)
    else:
        assert isinstance(settings, Settings)
