"""Who may open a connection to whom: the one list behind firewalls and documentation."""

from dataclasses import dataclass

from deploy.network.plan import Plan


@dataclass(frozen=True)
class Flow:
    """One kind of connection; no sources means anybody."""

    source: str
    target: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    port: int
    why: str
    protocol: str = "tcp"
    interface: str = ""


def flows(plan: Plan) -> list[Flow]:
    """Return every connection that may be opened; what is not here is dropped at both ends."""
    return [*_from_outside(plan), *_between_hosts(plan), *_named_doors(plan)]


def _from_outside(plan: Plan) -> list[Flow]:
    public, tunnel = plan.public.addresses, plan.tunnel
    return [
        Flow("internet", "public", (), public, 80, "redirect to HTTPS"),
        Flow("internet", "public", (), public, 443, "public pages"),
        Flow("internet", "staff", (), (tunnel.endpoint,), tunnel.port, "the tunnel", "udp"),
        Flow(
            "tunnel",
            "staff",
            tuple(plan.staff_networks),
            (tunnel.hub,),
            443,
            "staff pages",
            interface=tunnel.interface,
        ),
    ]


def _between_hosts(plan: Plan) -> list[Flow]:
    base, worker = plan.database, plan.worker
    link, staff = (base.public_source,), plan.staff.addresses
    inner = (base.inner,)
    return [
        Flow("public", "database", link, (base.outer,), base.port, "intake"),
        Flow("staff", "database", staff, inner, base.port, "crm, vault"),
        Flow("worker", "database", (worker.address,), inner, base.port, "crm, vault, intake"),
        Flow("staff", "worker", staff, (worker.address,), worker.broker_port, "bells"),
    ]


def _named_doors(plan: Plan) -> list[Flow]:
    out = [
        Flow(
            each.host,
            f"{each.address} ({each.country})",
            (),
            (each.address,),
            each.port,
            each.why,
            each.protocol,
        )
        for each in plan.egress
    ]
    into = [
        Flow(
            each.source,
            each.host,
            (each.source,),
            (),
            each.port,
            each.why,
            each.protocol,
            each.interface,
        )
        for each in plan.ingress
    ]
    return out + into


def table(plan: Plan) -> str:
    """Return the list as a table of Markdown."""
    rows = ["| From | To | Port | For |", "|---|---|---|---|"]
    rows += [f"| {f.source} | {f.target} | {f.protocol} {f.port} | {f.why} |" for f in flows(plan)]
    return "\n".join(rows) + "\n"
