"""From the plan to the files of each host."""

import ipaddress
from pathlib import Path
from string import Template

from deploy.databases import OWNER, ZONES, role_of
from deploy.network.firewall import ruleset
from deploy.network.plan import HOSTS, Peer, Plan, WebHost

_TEMPLATES = Path(__file__).resolve().parent.parent
# Which host each process runs on: its role of PostgreSQL is admitted from there only. Migrations
# and commands run where the worker does.
RUNS_ON = {
    "public": "public",
    "staff": "staff",
    "search": "staff",
    "worker": "worker",
    # Beside the mail server, which speaks LMTP to it on the loopback.
    "returns": "worker",
    "owner": "worker",
}


class _Places(Template):
    """`@{name}`: nginx keeps its dollar signs, and a place that is not filled raises KeyError."""

    delimiter = "@"


def _filled(template: str, **values: object) -> str:
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    return _Places(text).substitute({k: str(v).rstrip("\n") for k, v in values.items()})


def files(plan: Plan) -> dict[str, str]:
    """Return path -> contents of everything that follows from the plan; none is a secret."""
    made = {f"{host}/nftables.conf": ruleset(plan, host=host) for host in HOSTS}
    made |= {
        "public/nginx.conf": _public_nginx(plan),
        "public/accord.env": _environment(plan, process="public"),
        "staff/nginx.conf": _staff_nginx(plan),
        "staff/accord.env": _environment(plan, process="staff"),
        f"staff/{plan.tunnel.interface}.conf": _hub(plan),
        "database/pg_hba.conf": _pg_hba(plan),
    }
    return made | {f"peers/{peer.name}.conf": _client(plan, peer) for peer in plan.peers}


def render(plan: Plan, *, folder: Path) -> list[Path]:
    """Write the files of every host under `folder`; a second call writes them anew."""
    written = []
    for name, text in files(plan).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


# --- nginx -------------------------------------------------------------------------------------


def _web(host: WebHost) -> dict[str, object]:
    return {
        "name": host.name,
        "certificate": host.certificate,
        "key": host.key,
        "static": host.static,
        "logs": host.logs,
        "pid": host.pid,
        "port": host.port,
        "tls": _filled("nginx/tls.conf"),
        "proxy": _filled("nginx/proxy.conf", name=host.name),
    }


def _listen(host: WebHost, port: int, words: str) -> str:
    named = [f"[{a}]" if ":" in a else a for a in host.addresses]
    return "\n".join(f"        listen {a}:{port}{words};" for a in named)


def _public_nginx(plan: Plan) -> str:
    host = plan.public
    return _filled(
        "nginx/public.conf",
        **_web(host),
        listen_http_default=_listen(host, 80, " default_server"),
        listen_https_default=_listen(host, 443, " ssl default_server"),
        listen_http=_listen(host, 80, ""),
        listen_https=_listen(host, 443, " ssl http2"),
    )


def _staff_nginx(plan: Plan) -> str:
    allow = "\n".join(f"        allow {network};" for network in plan.staff_networks)
    hub = f"[{plan.tunnel.hub}]" if ":" in plan.tunnel.hub else plan.tunnel.hub
    return _filled("nginx/staff.conf", **_web(plan.staff), allow=allow, hub=hub)


# --- WireGuard ---------------------------------------------------------------------------------


def _hub(plan: Plan) -> str:
    network = ipaddress.ip_network(plan.tunnel.network)
    peers = [
        _filled(
            "wireguard/peer.conf",
            name=peer.name,
            public_key=peer.public_key,
            allowed=", ".join([_one(peer.address), *peer.networks]),
        )
        for peer in plan.peers
    ]
    return _filled(
        "wireguard/hub.conf",
        address=f"{plan.tunnel.hub}/{network.prefixlen}",
        port=plan.tunnel.port,
        private_key=plan.tunnel.private_key,
        peers="\n".join(peers),
    )


def _client(plan: Plan, peer: Peer) -> str:
    tunnel = plan.tunnel
    host = f"[{tunnel.endpoint}]" if ":" in tunnel.endpoint else tunnel.endpoint
    return _filled(
        "wireguard/client.conf",
        name=peer.name,
        address=_one(peer.address),
        private_key=peer.private_key,
        hub_key=tunnel.public_key,
        endpoint=f"{host}:{tunnel.port}",
        hub=_one(tunnel.hub),
    )


def _one(address: str) -> str:
    """The network of this address alone."""
    return str(ipaddress.ip_network(address))


# --- processes and databases -------------------------------------------------------------------


def _environment(plan: Plan, *, process: str) -> str:
    host = plan.public if process == "public" else plan.staff
    values = {
        "ACCORD_PROCESS": process,
        "ACCORD_PUBLIC_URL": f"https://{plan.public.name}",
        "ACCORD_STAFF_URL": f"https://{plan.staff.name}",
        "ACCORD_ALLOWED_HOSTS": host.name,
        "ACCORD_STATIC_FINDERS": "no",
    }
    if process == "public":
        values["ACCORD_PUBLIC_PROXIES"] = "127.0.0.1/32"
    else:
        values["ACCORD_STAFF_NETWORKS"] = ",".join(plan.staff_networks)
        values["ACCORD_STAFF_PROXIES"] = "127.0.0.1/32"
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _pg_hba(plan: Plan) -> str:
    """Each role from its own host, to its own databases, over TLS; everybody else is refused."""
    hosts = {
        "public": (plan.database.public_source,),
        "staff": plan.staff.addresses,
        "worker": (plan.worker.address,),
    }
    lines = [
        "# Accord. Rendered by `python -m deploy.network render`.",
        "local all postgres peer",
        "host all postgres 127.0.0.1/32 scram-sha-256",
    ]
    for process, place in RUNS_ON.items():
        names = ",".join(plan.database.names[zone] for zone in ZONES[process])
        role = OWNER if process == "owner" else role_of(process)
        lines += [f"hostssl {names} {role} {_one(a)} scram-sha-256" for a in hosts[place]]
    return "\n".join([*lines, "host all all all reject", ""])
