"""The staff side is reached through the tunnel, and through nothing else."""

from tests.journeys import acts
from tests.network.town import STAFF, Town


def test_a_colleague_signs_in_through_the_tunnel(town: Town) -> None:
    with town.browser("client", f"https://{STAFF}") as browser:
        assert browser.get("/sign-in").status_code == 200
        account = town.accounts["camille"]
        assert acts.show_password(browser, account).headers["Location"] == "/sign-in/code"
        assert acts.show_code(browser, account).status_code == 302
        page = browser.get("/")
        assert page.status_code == 200
        assert page.headers["Strict-Transport-Security"] == "max-age=63072000"
        assert page.headers["Server"] == "nginx"
        assert browser.get("/static/crm/accord.css").status_code == 200
