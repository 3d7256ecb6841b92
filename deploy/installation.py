"""Which process this is, and of whose installation: what every other setting may depend on."""

from pathlib import Path

from deploy.environment import text

BASE_DIR = Path(__file__).resolve().parent.parent
PROCESS = text("ACCORD_PROCESS", "owner")
HOME = Path(text("ACCORD_HOME", str(BASE_DIR / "var")))
# The public side, the readers of what comes back and beat hold no key.
USES_KEYS = PROCESS not in {"public", "returns", "beat"}

# The company that runs this installation, as its mail and pages name it.
ORGANISATION_NAME = text("ACCORD_ORGANISATION_NAME", "Accord")
ORGANISATION_ADDRESS = text("ACCORD_ORGANISATION_ADDRESS", "")
DPO_ADDRESS = text("ACCORD_DPO_ADDRESS", "dpo@localhost.example")
