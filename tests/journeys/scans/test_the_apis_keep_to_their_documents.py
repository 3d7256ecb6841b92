"""Schemathesis sends the APIs what their OpenAPI documents allow, and what they do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys import acts
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

EXAMPLES = 60
# A given seed, so that a run that fails fails again.
SEED = "20261124"


# A document says which shapes there are. Whether a box, a notice or a person exists is for the
# server to say, and these are its words for that.
_SEMANTIC = '["2xx", "401", "403", "404", "409", "410", "422", "429"]'


def examine(
    document: str, *, folder: Path, settings: str = "", headers: dict[str, str] | None = None
) -> None:
    """Send what was generated from the document; fails with what Schemathesis says."""
    file = folder / "schemathesis.toml"
    checks = f"[checks.positive_data_acceptance]\nexpected-statuses = {_SEMANTIC}\n"
    file.write_text(settings + checks, encoding="utf-8")
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "--config-file", str(file), "run", document]
    command += ["--checks", "all", "--max-examples", str(EXAMPLES), "--seed", SEED, "--no-color"]
    for name, value in (headers or {}).items():
        command += ["--header", f"{name}: {value}"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Missing test data" not in done.stdout, done.stdout[-3000:]


@pytest.mark.timeout(300)
def test_the_public_api(scanned: Stage, tmp_path: Path) -> None:
    open_form, guarded = acts.publish_form(), acts.publish_form(has_proof_of_work=True)
    settings = (
        f'[parameters]\n"path.code" = "{open_form["code"]}"\n'
        '[[operations]]\ninclude-operation-id = "challenge"\n'
        f'parameters = {{ "path.code" = "{guarded["code"]}" }}\n'
    )
    examine(f"{scanned.public_url}/api/v1/openapi.json", folder=tmp_path, settings=settings)
