"""The corpus: messages as they come back, with places for the tokens of a message of ours."""

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
RETURN_PATH = f"bounce+{'a' * 29}@mail.nordelia.example"
MESSAGE_ID = f"<m.{'b' * 29}@mail.nordelia.example>"
FORGED = f"bounce+{'c' * 29}@mail.nordelia.example"
NAMES = sorted(path.stem for path in CORPUS.glob("*.eml"))


def sample(
    name: str, *, return_path: str = RETURN_PATH, message_id: str = MESSAGE_ID, forged: str = FORGED
) -> bytes:
    raw = (CORPUS / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")
    places = {"{RETURN_PATH}": return_path, "{MESSAGE_ID}": message_id, "{FORGED}": forged}
    for place, value in places.items():
        raw = raw.replace(place.encode(), value.encode())
    return raw
