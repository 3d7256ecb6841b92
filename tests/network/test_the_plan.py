"""One plan, and every file of every host says the same."""

import ipaddress
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from deploy.databases import ZONES
from deploy.network.flows import flows, table
from deploy.network.keys import KeyExists, make_key
from deploy.network.plan import PlanInvalid, load, read
from deploy.network.render import RUNS_ON, files, render
from tests.needs import NETWORK

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "deploy" / "network" / "example.toml"
Tables = dict[str, Any]


def _tables() -> Tables:
    return tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))


def _files() -> dict[str, str]:
    return files(load(EXAMPLE))


# --- the same everywhere -----------------------------------------------------------------------


def test_the_page_shows_who_may_reach_whom() -> None:
    page = (ROOT / "docs" / "network.md").read_text(encoding="utf-8")
    assert table(load(EXAMPLE)) in page


def test_settings_nginx_and_firewall_admit_the_same_networks() -> None:
    made = _files()
    expected = ["10.77.0.0/24", "192.168.44.0/24"]
    values = dict(line.split("=", 1) for line in made["staff/accord.env"].splitlines())
    assert values["ACCORD_STAFF_NETWORKS"].split(",") == expected
    assert re.findall(r"allow (\S+);", made["staff/nginx.conf"]) == expected
    (rule,) = (line for line in made["staff/nftables.conf"].splitlines() if "staff pages" in line)
    assert f"ip saddr {{ {', '.join(expected)} }}" in rule
    assert 'iifname "wg0"' in rule


def test_a_web_process_believes_its_own_nginx_and_no_other_proxy() -> None:
    made = _files()
    assert "ACCORD_STAFF_PROXIES=127.0.0.1/32\n" in made["staff/accord.env"]
    assert "ACCORD_PUBLIC_PROXIES=127.0.0.1/32\n" in made["public/accord.env"]
    networks = [ipaddress.ip_network(n) for n in load(EXAMPLE).staff_networks]
    assert not [n for n in networks if ipaddress.ip_address("127.0.0.1") in n]


def test_each_process_with_databases_has_a_host() -> None:
    assert RUNS_ON.keys() == {process for process, zones in ZONES.items() if zones}


def test_no_rendered_file_holds_a_secret(tmp_path: Path) -> None:
    for path in render(load(EXAMPLE), folder=tmp_path):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?i)^\s*PrivateKey|password=|SECRET", text, re.MULTILINE), path
        assert "@{" not in text, path


def test_the_public_host_is_told_nothing_of_the_staff_side_but_its_name() -> None:
    public = "".join(text for name, text in _files().items() if name.startswith("public/"))
    for inner in ("10.77.", "10.88."):
        assert inner not in public


def test_every_opening_of_a_flow_is_at_both_ends() -> None:
    made = _files()
    for flow in flows(load(EXAMPLE)):
        for host in {flow.source, flow.target} & {"public", "staff", "worker", "database"}:
            assert (
                f'{flow.protocol} dport {flow.port} accept comment "{flow.why}"'
                in made[f"{host}/nftables.conf"]
            ), flow


# --- addresses that carry tokens ---------------------------------------------------------------


def _routes(resolver: URLResolver) -> Iterator[URLPattern]:
    for part in resolver.url_patterns:
        if isinstance(part, URLResolver):
            yield from _routes(part)
        else:
            yield part


def _written(path: str) -> str:
    """What the public nginx writes to its log for a path, by its own map (first match wins)."""
    block = _files()["public/nginx.conf"].split("map $uri $path_without_token {", 1)[1]
    for key, value in re.findall(r"^\s+(\S+) ([^;]+);", block.split("    }\n", 1)[0], re.MULTILINE):
        if key == "default":
            unlisted = value
        elif key == path or (key[0] == "~" and re.match(key[1:].replace("?<", "?P<"), path)):
            return path if value == "$uri" else str(value)
    return str(unlisted)


def test_only_addresses_without_a_token_are_written_to_the_log() -> None:
    seen = 0
    for pattern in _routes(get_resolver("deploy.urls_public")):
        named = set(pattern.pattern.regex.groupindex)
        route = "/" + str(pattern.pattern)
        if named <= {"code"}:
            plain = route.replace("<slug:code>", "salon")
            assert _written(plain) == plain
            continue
        seen += 1
        page = re.sub(r"^\^", "", route.lstrip("/")).split("/")[0].lstrip("^")
        assert _written(f"/{page}/Zm9yLW5vYm9keQ") == "/$page/(token)", route
    assert seen >= 8
    assert _written("/Zm9yLW5vYm9keQ") == "(unlisted)"


def test_nginx_takes_as_much_as_the_process_and_keeps_it_in_memory() -> None:
    made = _files()
    for host, kibibytes in (("public", 64), ("staff", 9 * 1024)):
        words = f"{kibibytes}k" if kibibytes < 1024 else f"{kibibytes // 1024}m"
        assert f"client_max_body_size {words};" in made[f"{host}/nginx.conf"]
        assert f"client_body_buffer_size {words};" in made[f"{host}/nginx.conf"]
        assert "proxy_max_temp_file_size 0;" in made[f"{host}/nginx.conf"]
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE < 9 * 1024 * 1024


# --- plans that are refused --------------------------------------------------------------------


def _set(*path: str | int, to: Any) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        place: Any = tables
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


REFUSED = {
    "outside the Union": (_set("egress", 0, "country", to="US"), "not in the European Union"),
    "everybody a colleague": (_set("peers", 1, "networks", to=["0.0.0.0/0"]), "too wide"),
    "everybody, version 6": (_set("peers", 1, "networks", to=["::/0"]), "too wide"),
    "everybody an administrator": (_set("ingress", 0, "source", to="0.0.0.0/0"), "too wide"),
    "an address twice": (_set("peers", 1, "address", to="10.77.0.2"), "taken"),
    "the hub's address": (_set("peers", 1, "address", to="10.77.0.1"), "taken"),
    "a peer elsewhere": (_set("peers", 1, "address", to="10.78.0.2"), "outside of the tunnel"),
    "a hub elsewhere": (_set("tunnel", "hub", to="10.78.0.1"), "outside of the tunnel"),
    "no key": (_set("peers", 0, "public_key", to="abc"), "not a WireGuard key"),
    "a statement in a name": (_set("public", "name", to="a.example;deny"), "cannot be"),
    "a statement in a path": (_set("staff", "key", to="/k;include /x"), "cannot be"),
    "a quote in a reason": (_set("egress", 0, "why", to='" accept'), "cannot be"),
    "no such host": (_set("egress", 0, "host", to="moon"), "No host is called moon"),
    "no port": (_set("staff", "port", to=0), "not a port"),
    "an unknown word": (_set("staff", "prot", to=1), "Unknown in [staff]: prot"),
    "an unknown table": (_set("moon", to={}), "Unknown in the plan: moon"),
    "no address": (_set("public", "addresses", to=[]), "needs an address"),
    "a name for an address": (_set("worker", "address", to="worker"), "not an address"),
    "another protocol": (_set("egress", 0, "protocol", to="sctp"), "Not a protocol"),
    "databases missing": (_set("database", "names", to={"crm": "crm"}), "crm, vault and intake"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_plan_that_opens_or_breaks_something_is_refused(
    change: Callable[[Tables], None], words: str
) -> None:
    tables = _tables()
    change(tables)
    with pytest.raises(PlanInvalid, match=re.escape(words)):
        read(tables)


def test_two_peers_with_one_key_are_refused() -> None:
    tables = _tables()
    tables["peers"][1]["public_key"] = tables["peers"][0]["public_key"]
    with pytest.raises(PlanInvalid, match="the same public_key"):
        read(tables)


def test_a_table_that_is_missing_is_named() -> None:
    tables = _tables()
    del tables["worker"]
    with pytest.raises(PlanInvalid, match=re.escape("[worker]")):
        read(tables)


def test_a_line_that_is_missing_is_named() -> None:
    tables = _tables()
    del tables["staff"]["name"]
    with pytest.raises(PlanInvalid, match="name"):
        read(tables)


# --- the command -------------------------------------------------------------------------------


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.network", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_writes_what_the_plan_says(tmp_path: Path) -> None:
    done = _command("render", "--plan", str(EXAMPLE), "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for name, text in _files().items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_the_command_says_what_is_wrong_with_a_plan(tmp_path: Path) -> None:
    plan = tmp_path / "network.toml"
    plan.write_text("[public]\n", encoding="utf-8")
    done = _command("table", "--plan", str(plan))
    assert done.returncode == 1
    assert done.stderr.startswith("[public]: ")


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    if shutil.which("wg") is None:
        pytest.skip(NETWORK)
    path = tmp_path / "wg0.key"
    shown = make_key(path)
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(shown) == 44
    assert shown.encode() not in before
    with pytest.raises(KeyExists):
        make_key(path)
    assert path.read_bytes() == before
