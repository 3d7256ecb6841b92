"""nftables: a host drops what is not in the list of flows, on its way in and on its way out."""

import ipaddress
from collections.abc import Iterator

from deploy.network.flows import Flow, flows
from deploy.network.plan import Plan

_HEAD = """\
#!/usr/sbin/nft -f
# Accord, {host} host. Rendered by `python -m deploy.network render`.

table inet accord {{}}
delete table inet accord
table inet accord {{
    chain input {{
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        ct state invalid drop
        iif "lo" accept
        ip protocol icmp icmp type {{ echo-request, destination-unreachable, time-exceeded }} accept
        icmpv6 type {{ {icmpv6} }} accept
"""
_MIDDLE = """\
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
    }
    chain output {
        type filter hook output priority filter; policy drop;
        ct state established,related accept
        oif "lo" accept
"""
_NEIGHBOURS = "nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, packet-too-big"


def ruleset(plan: Plan, *, host: str) -> str:
    """Return the file for `nft -f` of one host; loading it twice is safe."""
    every = flows(plan)
    inward = [rule for flow in every if flow.target == host for rule in _rules(flow, inward=True)]
    outward = [rule for flow in every if flow.source == host for rule in _rules(flow, inward=False)]
    icmpv6_out = f"        icmpv6 type {{ {_NEIGHBOURS}, nd-router-solicit }} accept\n"
    return (
        _HEAD.format(host=host, icmpv6=_NEIGHBOURS)
        + _lines(inward)
        + _MIDDLE
        + icmpv6_out
        + _lines(outward)
        + "    }\n}\n"
    )


def _lines(rules: list[str]) -> str:
    return "".join(f"        {rule}\n" for rule in rules)


def _rules(flow: Flow, *, inward: bool) -> Iterator[str]:
    """One rule per version of IP in which the two ends can meet."""
    for version in (4, 6):
        parts = [f'iifname "{flow.interface}"'] if flow.interface and inward else []
        for word, networks in (("saddr", flow.sources), ("daddr", flow.targets)):
            mine = [n for n in networks if ipaddress.ip_network(n).version == version]
            if networks and not mine:
                break
            if mine:
                family = "ip" if version == 4 else "ip6"
                parts.append(f"{family} {word} {{ {', '.join(mine)} }}")
        else:
            yield f'{" ".join(parts)} {flow.protocol} dport {flow.port} accept comment "{flow.why}"'
