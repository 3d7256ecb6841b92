"""Nothing that staff write makes the product read a file or open a connection (ASVS 1.3.6)."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.urls import reverse

from campaigns import services
from tests.attacks.mailing import catcher, with_more
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


class Listener:
    """A server on loopback that counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _who = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            line.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@contextmanager
def listening() -> Iterator[Listener]:
    made = Listener()
    try:
        yield made
    finally:
        made.close()


def _baits(port: int) -> list[str]:
    url = f"http://127.0.0.1:{port}/x"
    return [
        "<mj-include path='/etc/passwd' />",
        f"<mj-include path='{url}' />",
        f"<mj-&#105;nclude path='{url}' />",
        f"<MJ-INCLUDE path='{url}' type='css' />",
        f"<mj-image src='{url}' />",
        "<mj-image src='file:///etc/passwd' />",
        f"<mj-raw><img src='{url}'></mj-raw>",
        f"<mj-text><img src='{url}'></mj-text>",
        f"<mj-section background-url='{url}'></mj-section>",
        f"<mj-head><mj-font name='x' href='{url}' /></mj-head>",
        f"<mj-head><mj-style>@import '{url}';</mj-style></mj-head>",
        f"<!DOCTYPE x [<!ENTITY e SYSTEM '{url}'>]><mj-text>&e;</mj-text>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><mj-text>&e;</mj-text>",
    ]


def test_saving_checking_previewing_and_sending_connects_to_nobody() -> None:
    client = desk.browser()
    cast.subscribers(1)
    with listening() as listener, catcher() as folder:
        for bait in _baits(listener.port):
            mjml = desk.good_mjml().replace("<mj-body", f"{bait}<mj-body", 1)
            inside = with_more(bait)
            for written in (mjml, inside, bait):
                for page in ("mail-preview", "mail-findings"):
                    shown = client.post(reverse(page), desk.words(mjml=written))
                    assert "root:" not in shown.content.decode(), bait
            campaign = cast.draft(mjml=inside)
            check = client.get(reverse("campaign", args=[campaign]))
            assert check.status_code == 200 and "root:" not in check.content.decode()
            with pytest.raises(services.NotReady):
                services.launch(campaign_id=campaign, actor_id=cast.people_actor(), now=NOW)
        assert list(folder.glob("*.eml")) == []
        assert listener.visits == 0
        socket.create_connection(("127.0.0.1", listener.port)).close()
        for _try in range(100):
            if listener.visits:
                break
            threading.Event().wait(0.05)
        assert listener.visits == 1  # it does count


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "//evil.example/x", "/\\evil.example", "data:text/html,x",
     "file:///etc/passwd", "ftp://example.org/x", "http:\\\\evil.example", "https:///x"],
)  # fmt: skip
def test_a_link_that_leads_nowhere_good_is_not_sent(url: str) -> None:
    cast.subscribers(1)
    mjml = desk.good_mjml().replace("https://www.example.com/", url)
    assert mjml != desk.good_mjml()
    with pytest.raises(services.NotReady):
        services.launch(campaign_id=cast.draft(mjml=mjml), actor_id=cast.people_actor(), now=NOW)
