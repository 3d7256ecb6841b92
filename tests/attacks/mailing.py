"""A campaign delivered to the mail catcher of the desk, and what it kept."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from django.conf import settings

from campaigns import services
from deploy.embedded.postgres import free_port
from deploy.mail_catcher.mailbox import Mailbox
from deploy.mail_catcher.receiver import controller
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.conftest import NOW


@contextmanager
def catcher() -> Iterator[Path]:
    """The mail catcher on a port of its own, which the settings lead to; gives its folder."""
    port, before = free_port(), settings.RELAY_URL
    with TemporaryDirectory(prefix="accord-mail-") as folder:
        smtp = controller(Mailbox(Path(folder)), port=port)
        smtp.start()
        settings.RELAY_URL = f"smtp://127.0.0.1:{port}"
        try:
            yield Path(folder)
        finally:
            settings.RELAY_URL = before
            smtp.stop()


def delivered(campaign: UUID) -> list[EmailMessage]:
    """Launch and deliver a campaign; return every message that arrived, parsed."""
    with catcher() as folder:
        services.launch(campaign_id=campaign, actor_id=cast.people_actor(), now=NOW)
        cast.deliver(campaign)
        raw = [path.read_bytes() for path in sorted(folder.glob("*.eml"))]
    found = [BytesParser(policy=policy.default).parsebytes(each) for each in raw]
    assert all(isinstance(each, EmailMessage) for each in found)
    return found


def with_more(mjml: str) -> str:
    """Return a mail that is right, with more at the top of its first column."""
    begin = re.compile(r"<mj-column[^>]*>")
    return begin.sub(lambda found: found[0] + mjml, desk.good_mjml(), count=1)
