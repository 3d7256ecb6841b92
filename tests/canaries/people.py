"""People who exist nowhere else: whatever is found of them was left there by this run."""

from dataclasses import dataclass, fields

# The password of a member of staff, and of nothing else.
PASSWORD = "velours-quinconce-7731-tamaris"


@dataclass(frozen=True)
class Canary:
    """One person; every word of it is looked for afterwards."""

    email: str
    given_name: str
    family_name: str
    phone: str
    company: str
    job_title: str
    message: str

    @property
    def typed(self) -> dict[str, str]:
        """What the person types into a form."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def canary(number: int, name: str) -> Canary:
    mark = f"{name}{number}xq"
    return Canary(
        email=f"Zq.{mark}@example.org",
        given_name=f"Zoëlle-{mark}",
        family_name=f"Quaxelbroth{mark}",
        phone=f"+33 6 39 98 71 {number:02d}",
        company=f"Wexlibourg {mark} & Frères",
        job_title=f"Vrombisseuse {mark} principale",
        message=f"Rappelez-moi pour le klaxophone {mark}.\nDès l’aube.",
    )


# Who comes by which way.
BY_PAGE, BY_API = canary(11, "margelle"), canary(12, "tilbury")
BY_FILE, BAD_ROW = canary(13, "ocarina"), canary(14, "guimauve")
TWIN, UNKNOWN = canary(15, "palafitte"), canary(16, "rhubarbe")
IN_ERRORS, AT_SIGN_IN = canary(17, "sarbacane"), canary(18, "zibeline")
# Somebody whom staff, people who answer and mail servers write about.
WRITTEN = canary(19, "belvedere")
EVERYBODY = (BY_PAGE, BY_API, BY_FILE, BAD_ROW, TWIN, UNKNOWN, IN_ERRORS, AT_SIGN_IN, WRITTEN)


def values() -> set[str]:
    """Every value to look for; a message by its lines, as files hold them."""
    found = {PASSWORD}
    for person in EVERYBODY:
        found |= {word for value in person.typed.values() for word in value.split("\n")}
    return {
        value for value in found if "xq" in value or value.startswith("+") or "velours" in value
    }
