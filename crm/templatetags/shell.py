"""Tags of the staff pages: `{% icon "users" %}` and the menu of the signed-in role."""

import functools
import re
from pathlib import Path

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from crm import shell
from crm.bell import COUNTED, unread_count

register = template.Library()
ICONS = Path(__file__).resolve().parent.parent / "static" / "vendor" / "tabler-icons-3.51.0"
_ATTRIBUTES = (
    'xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none"'
    ' stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"'
    ' aria-hidden="true" focusable="false"'
)


@functools.cache
def _shape(name: str) -> str:
    """Return the strokes of a vendored icon; raises FileNotFoundError for one we do not have."""
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise FileNotFoundError(name)
    drawing = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    # The first path is the empty 24 x 24 box.
    return "".join(re.findall(r"<(?:path|circle|rect|line)\b[^>]*/>", drawing)[1:])


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """Draw a vendored icon inline: decoration only, a text beside it carries the meaning."""
    if not re.fullmatch(r"[a-z0-9 -]*", css_class):
        raise ValueError(css_class)
    # Both parts come from our own files and literals, never from a person.
    return mark_safe(  # noqa: S308
        f'<svg class="icon {css_class}" {_ATTRIBUTES}>{_shape(name)}</svg>'
    )


@register.simple_tag(takes_context=True)
def staff_menu(context: RequestContext) -> list[tuple[shell.MenuItem, bool]]:
    """Return the entries of this account's role, each with whether the page is under it."""
    request = context["request"]
    entries = shell.menu_of(role=request.user.role)
    under = [entry for entry in entries if _is_under(request.path, entry.url)]
    current = max(under, key=lambda entry: len(entry.url), default=None)
    return [(entry, entry is current) for entry in entries]


@register.simple_tag(takes_context=True)
def unread_notifications(context: RequestContext) -> str:
    """How many notifications wait for this account, as the bell shows it; empty for none."""
    count = unread_count(account_id=context["request"].user.id)
    if count > COUNTED:
        return f"{COUNTED}+"
    return str(count) if count else ""


def _is_under(path: str, url: str) -> bool:
    return path == url or (url != reverse("home") and path.startswith(url.rstrip("/") + "/"))


class CaptureNode(template.Node):
    """Renders once what a page shows twice: its title, in the tab and as its heading."""

    def __init__(self, nodelist: template.NodeList, name: str) -> None:
        self.nodelist = nodelist
        self.name = name

    def render(self, context: template.Context) -> SafeString:
        # What was rendered is escaped; strip() forgets that, and "&" would be shown as "&amp;".
        context[self.name] = mark_safe(self.nodelist.render(context).strip())  # noqa: S308
        return SafeString("")


@register.tag
def capture(parser: template.base.Parser, token: template.base.Token) -> CaptureNode:
    """`{% capture name %}...{% endcapture %}` keeps the rendering under `name`."""
    _, name = token.split_contents()
    nodelist = parser.parse(("endcapture",))
    parser.delete_first_token()
    return CaptureNode(nodelist, name)
