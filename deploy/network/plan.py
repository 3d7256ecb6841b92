"""The plan of an installation's network: hosts, addresses and ports in one TOML file."""

import base64
import binascii
import ipaddress
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")

# Where data may go: the member states (Article 1 TEU), as ISO 3166-1 codes.
EU = frozenset(
    re.findall(
        r"\w+", "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
    )
)
# Letters, digits and what names and paths need: nothing that ends a statement of nginx or nft.
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_PATH = re.compile(r"/[A-Za-z0-9._/-]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
_WORDS = re.compile(r"[\w ,.()/-]{1,120}")


class PlanInvalid(ValueError):
    """The plan says something that cannot be; the message names it."""


@dataclass(frozen=True)
class WebHost:
    """A host with nginx and one web process of ours behind it, on its loopback."""

    name: str
    addresses: tuple[str, ...]  # where it is on the networks: of the staff host, its inner ones
    certificate: str
    key: str
    port: int
    static: str = "/var/lib/accord/static"
    logs: str = "/var/log/nginx"
    pid: str = "/run/nginx.pid"


@dataclass(frozen=True)
class Tunnel:
    network: str
    hub: str
    endpoint: str
    public_key: str
    port: int = 51820
    interface: str = "wg0"
    private_key: str = "/etc/wireguard/wg0.key"


@dataclass(frozen=True)
class Peer:
    """A colleague's machine, or the router of an office with the networks behind it."""

    name: str
    address: str
    public_key: str
    networks: tuple[str, ...] = ()
    private_key: str = "/etc/wireguard/wg0.key"


@dataclass(frozen=True)
class Inner:
    """The worker: no name, no inbound door but the broker's."""

    address: str
    broker_port: int = 5671


@dataclass(frozen=True)
class Database:
    """PostgreSQL: one address for staff and worker, one on the link to the public host."""

    inner: str
    outer: str
    public_source: str  # the public host's address on that link
    port: int = 5432
    names: dict[str, str] = field(
        default_factory=lambda: {"crm": "crm", "vault": "vault", "intake": "intake"}
    )


@dataclass(frozen=True)
class Egress:
    """A destination outside that a host may reach: inside the EU, and for a reason."""

    host: str
    address: str
    port: int
    country: str
    why: str
    protocol: str = "tcp"


@dataclass(frozen=True)
class Ingress:
    """A door of a host besides its own: administration, say, from one place."""

    host: str
    source: str
    port: int
    why: str
    protocol: str = "tcp"
    interface: str = ""


@dataclass(frozen=True)
class Plan:
    public: WebHost
    staff: WebHost
    worker: Inner
    database: Database
    tunnel: Tunnel
    peers: tuple[Peer, ...] = ()
    egress: tuple[Egress, ...] = ()
    ingress: tuple[Ingress, ...] = ()

    @property
    def staff_networks(self) -> list[str]:
        """The networks that the staff side answers to: the tunnel's, and those of offices."""
        return [self.tunnel.network, *(n for peer in self.peers for n in peer.networks)]


HOSTS = ("public", "staff", "worker", "database")


def load(path: Path) -> Plan:
    """Read and check a plan; raises PlanInvalid, naming what is wrong."""
    with path.open("rb") as file:
        return read(tomllib.load(file))


def read(tables: dict[str, Any]) -> Plan:
    """Return the plan of these tables; raises PlanInvalid."""
    rest = dict(tables)
    single: dict[str, type[Any]] = {
        "public": WebHost,
        "staff": WebHost,
        "worker": Inner,
        "database": Database,
        "tunnel": Tunnel,
    }
    several: dict[str, type[Any]] = {"peers": Peer, "egress": Egress, "ingress": Ingress}
    made: dict[str, Any] = {
        name: _made(kind, name, rest.pop(name, None)) for name, kind in single.items()
    }
    for name, kind in several.items():
        made[name] = tuple(_made(kind, name, table) for table in rest.pop(name, []))
    if rest:
        raise PlanInvalid(f"Unknown in the plan: {', '.join(rest)}.")
    plan = Plan(**made)
    check(plan)
    return plan


def _made(kind: type[T], name: str, table: Any) -> T:
    if not isinstance(table, dict):
        raise PlanInvalid(f"The plan needs [{name}].")
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    if unknown := table.keys() - known:
        raise PlanInvalid(f"Unknown in [{name}]: {', '.join(sorted(unknown))}.")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    try:
        return kind(**values)
    except TypeError as missing:
        raise PlanInvalid(f"[{name}]: {missing}.") from None


# --- checks ------------------------------------------------------------------------------------


def check(plan: Plan) -> None:
    """Raise PlanInvalid where something in it would open a door or break a configuration."""
    _check_hosts(plan)
    _check_tunnel(plan)
    _check_doors(plan)


def _check_hosts(plan: Plan) -> None:
    for name, host in (("public", plan.public), ("staff", plan.staff)):
        _matches(_HOST_NAME, host.name, f"[{name}] name")
        for path in (host.certificate, host.key, host.static, host.logs, host.pid):
            _matches(_PATH, path, f"[{name}]")
        for address in host.addresses:
            _address(address, f"[{name}] addresses")
        _port(host.port, f"[{name}] port")
        if not host.addresses:
            raise PlanInvalid(f"[{name}] needs an address.")
    for address in (plan.worker.address, *_database_addresses(plan)):
        _address(address, "[worker], [database]")
    for port in (plan.worker.broker_port, plan.database.port):
        _port(port, "[worker], [database]")
    for name in plan.database.names.values():
        _matches(_NAME, name, "[database] names")
    if set(plan.database.names) != {"crm", "vault", "intake"}:
        raise PlanInvalid("[database] names: crm, vault and intake, no more and no less.")


def _database_addresses(plan: Plan) -> tuple[str, ...]:
    return (plan.database.inner, plan.database.outer, plan.database.public_source)


def _check_tunnel(plan: Plan) -> None:
    tunnel = plan.tunnel
    network = _narrow(tunnel.network, "[tunnel] network")
    _matches(_INTERFACE, tunnel.interface, "[tunnel] interface")
    _matches(_PATH, tunnel.private_key, "[tunnel] private_key")
    _address(tunnel.endpoint, "[tunnel] endpoint")
    _port(tunnel.port, "[tunnel] port")
    _key(tunnel.public_key, "[tunnel] public_key")
    hub = _address(tunnel.hub, "[tunnel] hub")
    if hub not in network:
        raise PlanInvalid("[tunnel] hub: outside of the tunnel's network.")
    taken = {hub}
    for peer in plan.peers:
        _check_peer(peer, network)
        address = _address(peer.address, f"Peer {peer.name}")
        if address in taken:
            raise PlanInvalid(f"Peer {peer.name}: its address is taken.")
        taken.add(address)
    for what in ("name", "public_key"):
        if len({getattr(peer, what) for peer in plan.peers}) < len(plan.peers):
            raise PlanInvalid(f"Two peers have the same {what}.")


def _check_peer(peer: Peer, network: Network) -> None:
    _matches(_NAME, peer.name, "Peer")
    _matches(_PATH, peer.private_key, f"Peer {peer.name}")
    _key(peer.public_key, f"Peer {peer.name}")
    if _address(peer.address, f"Peer {peer.name}") not in network:
        raise PlanInvalid(f"Peer {peer.name}: its address is outside of the tunnel's network.")
    for behind in peer.networks:
        _narrow(behind, f"Peer {peer.name}")


def _check_doors(plan: Plan) -> None:
    doors: list[Egress | Ingress] = [*plan.egress, *plan.ingress]
    for door in doors:
        if door.host not in HOSTS:
            raise PlanInvalid(f"No host is called {door.host}.")
        if door.protocol not in {"tcp", "udp"}:
            raise PlanInvalid(f"Not a protocol of ours: {door.protocol}.")
        _port(door.port, door.why)
        _matches(_WORDS, door.why, "why")
    for out in plan.egress:
        _address(out.address, out.why)
        if out.country not in EU:
            raise PlanInvalid(f"{out.why}: {out.country} is not in the European Union.")
    for way in plan.ingress:
        _narrow(way.source, way.why)
        if way.interface:
            _matches(_INTERFACE, way.interface, way.why)


def _matches(pattern: re.Pattern[str], text: str, where: str) -> None:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise PlanInvalid(f"{where}: {text!r} cannot be.")


def _address(text: str, where: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise PlanInvalid(f"{where}: {text!r} is not an address.") from None


def _narrow(text: str, where: str) -> Network:
    """A network that is one organisation's: "everybody" typed by mistake is refused."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise PlanInvalid(f"{where}: {text!r} is not a network.") from None
    if network.prefixlen < (8 if network.version == 4 else 32):
        raise PlanInvalid(f"{where}: {text} is too wide.")
    return network


def _port(number: int, where: str) -> None:
    if not isinstance(number, int) or not 0 < number < 65536:
        raise PlanInvalid(f"{where}: {number!r} is not a port.")


def _key(text: str, where: str) -> None:
    try:
        if len(base64.b64decode(text, validate=True)) == 32:
            return
    except (binascii.Error, TypeError):
        pass
    raise PlanInvalid(f"{where}: not a WireGuard key.")
