"""Somebody fills in a form; a moment later a colleague who remembers half a name finds them."""

from uuid import uuid4

from bs4 import BeautifulSoup

from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for


def test_who_just_came_is_found_by_a_part_of_their_name(stage: Stage) -> None:
    form, mark = acts.publish_form(), uuid4().hex[:8]
    fields = {"given_name": "Élodie", "family_name": f"Lefèvre{mark}"}
    acts.post_lead(stage, form, f"{mark}@example.org", fields=fields)
    (lead,) = acts.wait_for_leads(form, 1)
    account = acts.new_account()
    with acts.staff_browser(stage) as browser:
        acts.show_password(browser, account)
        acts.show_code(browser, account)

        def links(words: str) -> list[str]:
            form = BeautifulSoup(browser.get("/contacts/").text, "html.parser")
            token = form.select_one("form[role=search] [name=csrfmiddlewaretoken]")
            assert token is not None
            page = browser.post(
                "/contacts/find",
                data={"csrfmiddlewaretoken": str(token["value"]), "words": words},
                headers={"Origin": stage.staff_url},
            )
            found = BeautifulSoup(page.text, "html.parser").select("tbody th a")
            return [str(link["href"]) for link in found]

        expected = [f"/contacts/{lead.contact_id}/"]
        wait_for(lambda: links(f"efevre{mark[:6].upper()} elod") == expected, "the search to hear")
        assert mark not in stage.log("search") + stage.log("staff")
