"""Where a submission comes from, as little of it as does the work."""

from django.http import HttpRequest

from privacy.services import network_of

USER_AGENT_MAX = 200


def evidence_of(request: HttpRequest) -> dict[str, str]:
    """Return what helps to show later that somebody acted: network and browser, both cut short."""
    agent = request.META.get("HTTP_USER_AGENT", "")[:USER_AGENT_MAX]
    return {
        "network": network_of(request),
        "user_agent": "".join(c for c in agent if c.isascii() and c.isprintable()),
    }
