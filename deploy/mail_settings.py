"""Part of deploy.settings: mail, from relays and signatures to what comes back."""

from pathlib import Path

from deploy.environment import flag, integer, listing, relay_addresses, text
from deploy.installation import HOME, ORGANISATION_NAME, PROCESS, USES_KEYS

RELAY_URL = text("ACCORD_RELAY_URL", "smtp://127.0.0.1:2525")
# Where the relay is a Postfix whose log and queue this machine can read: the log's path, and its
# configuration folder if that is not Postfix's own. Then a crash leaves no message unknown.
RELAY_LOG = text("ACCORD_RELAY_LOG", "")
RELAY_CONFIG_DIR = text("ACCORD_RELAY_CONFIG_DIR", "")
# Further relays by their codes: the address of `north` is ACCORD_RELAY_URL_NORTH (or .._FILE).
RELAY_URLS = relay_addresses("ACCORD_RELAYS") if USES_KEYS else {}
# The domain of Message-IDs, List-Ids and return paths.
MAIL_DOMAIN = text("ACCORD_MAIL_DOMAIN", "mail.localhost.example")
SENDER_NAME = text("ACCORD_SENDER_NAME", ORGANISATION_NAME)
SENDER_ADDRESS = text("ACCORD_SENDER_ADDRESS", f"news@{MAIL_DOMAIN}")
# Where the answer to an answer goes: the mailbox of the team that follows leads up.
REPLY_ADDRESS = text("ACCORD_REPLY_ADDRESS", SENDER_ADDRESS)
# How many messages a token of the staff API may ask for in a minute.
MESSAGES_PER_MINUTE = integer("ACCORD_MESSAGES_PER_MINUTE", 300)
# How long a worker holds a message. Longer than the relay's patience, so that a worker that was
# only paused finds its session closed before somebody else takes the message up.
LEASE_SECONDS = integer("ACCORD_LEASE_SECONDS", 360)
# A folder per domain with the keys of `manage.py dkim`; where a domain has none, the key below.
DKIM_DIR = Path(text("ACCORD_DKIM_DIR", str(HOME / "dkim")))
# Where mail services may report complaints (RFC 9477); the mailbox must be one that is read.
COMPLAINT_ADDRESS = text("ACCORD_COMPLAINT_ADDRESS", "")
DKIM_KEY_PATH = text("ACCORD_DKIM_KEY", "")
DKIM_SELECTOR = text("ACCORD_DKIM_SELECTOR", "accord")

# --- What comes back (docs/returns.md) --------------------------------------------------------

RETURNS_BY_MAIL = flag("ACCORD_RETURNS_BY_MAIL", False)
RETURNS_LISTEN = text("ACCORD_RETURNS_LISTEN", "")
RETURNS_ADDRESSES = listing("ACCORD_RETURNS_ADDRESSES")
RETURNS_IMAP = text("ACCORD_RETURNS_IMAP", "") if PROCESS in {"returns", "owner"} else ""
RETURNS_IMAP_SECONDS = integer("ACCORD_RETURNS_IMAP_SECONDS", 60)
ANYMAIL = {  # what mail services prove themselves with; it opens nothing of ours
    "WEBHOOK_SECRET": text("ACCORD_WEBHOOK_SECRET", ""),
    "MAILGUN_WEBHOOK_SIGNING_KEY": text("ACCORD_MAILGUN_SIGNING_KEY", ""),
    "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": text("ACCORD_SENDGRID_VERIFICATION_KEY", ""),
}
