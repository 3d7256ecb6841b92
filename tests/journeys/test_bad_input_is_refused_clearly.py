"""What is not a submission gets a clear answer, and leaves nothing behind."""

import json
from uuid import uuid4

import httpx

from tests.forms_intake import cast as forms
from tests.journeys import acts
from tests.journeys.stage import Stage


def _post(stage: Stage, code: str, content: bytes, **headers: str) -> httpx.Response:
    named = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    number = uuid4().int
    network = {"X-Forwarded-For": f"10.{number % 250}.{number // 250 % 250}.1"}
    return httpx.post(
        f"{stage.public_url}/api/v1/forms/{code}/submissions",
        content=content,
        headers={**named, **network, **{k.replace("_", "-"): v for k, v in headers.items()}},
        timeout=30,
    )


def test_what_is_not_a_submission_is_refused_by_name(stage: Stage) -> None:
    form = acts.publish_form()
    good = forms.body(form)

    def fields(**changes: str) -> bytes:
        return json.dumps({**good, "fields": {**good["fields"], **changes}}).encode()

    unknown = json.dumps({**good, "consents": ["spying:email"]}).encode()
    cases = {
        "malformed JSON": (b'{"language": ', {}, 400),
        "an array": (b"[]", {}, 400),
        "ten megabytes": (b" " * 10_000_000, {}, 413),
        "another content type": (json.dumps(good).encode(), {"Content_Type": "text/plain"}, 415),
        "a NUL": (fields(given_name="a\0b"), {}, 422),
        "a header in a name": (fields(given_name="a\r\nBcc: x@example.org"), {}, 422),
        "an overlong address": (fields(email="a" * 250 + "@example.org"), {}, 422),
        "no address": (fields(email="not an address"), {}, 422),
        "an unknown purpose": (unknown, {}, 422),
        "no key": (json.dumps(good).encode(), {"Idempotency_Key": ""}, 400),
    }
    for name, (content, headers, status) in cases.items():
        answer = _post(stage, form["code"], content, **headers)
        assert answer.status_code == status, (name, answer.text)
        problem = answer.json()
        assert problem["status"] == status and problem["detail"], name
        assert "Traceback" not in answer.text
    # One good one arrives behind them, alone.
    assert _post(stage, form["code"], fields(email="josé@exämple.org")).status_code in {202, 422}
    assert _post(stage, form["code"], json.dumps(good).encode()).status_code == 202
    acts.wait_for_leads(form, 1)


def test_an_internationalised_address_arrives_as_it_was_meant(stage: Stage) -> None:
    form = acts.publish_form()
    answer = acts.post_lead(stage, form, "anna@bücher.example")
    assert answer.status_code == 202
    (lead,) = acts.wait_for_leads(form, 1)
    assert acts.find("anna@xn--bcher-kva.example") == [lead.contact_id]


def test_no_personal_data_reached_a_log(stage: Stage) -> None:
    form = acts.publish_form()
    canary = f"canary-{uuid4().hex[:8]}"
    acts.subscribe(stage, form, [f"{canary}@example.org"])
    acts.post_lead(stage, form, f"{canary}@example.org", fields={"given_name": canary + "\0"})
    acts.wait_until_finished(acts.launch(form))
    for name in ("public", "staff", "worker", "beat"):
        assert canary not in stage.log(name), name
