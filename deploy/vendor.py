"""Fetches the browser libraries that the staff pages use, at pinned versions, from npm.

`python -m deploy.vendor` writes crm/static/vendor/ anew. Each package must have exactly the
digest written here. The result is committed: running and testing need neither npm nor a network.
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "crm" / "static" / "vendor"
# A source map comment names a file that is not kept: browsers would ask for it in vain.
_MAP_COMMENT = re.compile(rb"\n?(/\*|//)# sourceMappingURL=[^\n]*(\*/)?\s*$")

_ICON_NAMES = """
activity address-book adjustments-horizontal affiliate alert-circle alert-triangle align-left
archive arrow-back-up arrow-down arrow-left arrow-right arrow-up arrows-vertical ban bell bold
bolt briefcase brush bug building calendar calendar-event certificate chart-bar chart-line
chart-pie check checklist chevron-down chevron-left chevron-right chevron-up circle circle-check
circle-dashed circle-x click clipboard clipboard-check clipboard-list clock code columns columns-2
columns-3 contrast copy database device-desktop device-mobile device-tablet dots dots-vertical
download external-link eye eye-off file-code file-text filter fingerprint flask folder forms gavel
grip-vertical h-1 hand-stop heart help-circle history home hourglass id-badge-2 inbox info-circle
italic key keyboard language layout-grid lifebuoy link list list-numbers loader-2 lock lock-open
logout mail mail-check mail-forward mail-opened mail-x mailbox map-pin menu-2 message
message-circle moon news notes paperclip palette pencil phone photo player-pause player-play
player-stop plus point printer qrcode refresh report report-analytics rocket scale search section
send separator server settings share shield shield-check shield-half shield-lock sitemap social
sort-ascending sort-descending speakerphone square star sun switch-horizontal tag tags
target-arrow template test-pipe timeline toggle-right tool trash typography underline unlink
upload user user-check user-circle user-off user-plus user-x users users-group wand world x
"""
ICONS = re.findall(r"\S+", _ICON_NAMES)


@dataclass(frozen=True)
class Package:
    """One npm package: the digest of its archive, and which of its files are kept as what."""

    name: str
    version: str
    sha512: str
    files: dict[str, str]
    licence: str  # a file of the package, or the text itself where the package has none

    @property
    def folder(self) -> str:
        return f"{self.name.lstrip('@').replace('/', '-').removesuffix('.org')}-{self.version}"


# The icons and the framework are of one project and one licence; the framework's archive holds
# no licence file, so its banner and package.json are repeated here.
TABLER_LICENCE = """MIT License

Copyright 2018-2026 The Tabler Authors
Copyright 2018-2026 codecalm.net Paweł Kuna

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

PACKAGES = [
    Package(
        "@tabler/core",
        "1.6.1",
        "lgmR9gcxRp5JlLxcmRi9Rz85JrEvH6Bz71KnlcPVSa97wtwQNjgSs3g3fxwbAlulHyRMghhIV04QUuW3pqDsIg==",
        {"dist/css/tabler.min.css": "tabler.min.css", "dist/js/tabler.min.js": "tabler.min.js"},
        TABLER_LICENCE,
    ),
    Package(
        "htmx.org",
        "2.0.11",
        "Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        {"dist/htmx.min.js": "htmx.min.js"},
        "LICENSE",
    ),
    Package(
        "chart.js",
        "4.6.1",
        "hJyniucsFmq//EvXYvJ6c6mahPoI3kaxdjVH8awTaJ/fDNWeSqqqArixMJWkWNN6fcYvPU3HneSANFNYtRi61g==",
        {"dist/chart.umd.min.js": "chart.umd.min.js"},
        "LICENSE.md",
    ),
    Package(
        "@tabler/icons",
        "3.51.0",
        "0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
        {f"icons/outline/{name}.svg": f"{name}.svg" for name in ICONS},
        "LICENSE",
    ),
    # The visual mode of the mail editor. grapesjs-mjml holds mjml-browser (MIT) in its file.
    Package(
        "grapesjs",
        "0.23.6",
        "I8M/sPWjHm6MLIdUtRFNOKsQ3PtDgIDsc2S8ANkJsfHj3ZoH98oNMMWr64Kx22XgjHCQ4xpUx7nvXyQSKV1mrQ==",
        {
            "dist/grapes.min.js": "grapes.min.js",
            "dist/css/grapes.min.css": "grapes.min.css",
            "locale/fr.js": "fr.js",
        },
        "LICENSE",
    ),
    Package(
        "grapesjs-mjml",
        "1.0.8",
        "cgaKwuGcBVgFCyqqK39kraPfw5DiA8qIyHKsDoMpOUqPY+ubMznx6U2M1NC9UKwD+gDCy/VVctyhb/aJAgyPNw==",
        {"dist/index.js": "grapesjs-mjml.min.js", "locale/fr.js": "fr.js"},
        "LICENSE",
    ),
]


def fetch(package: Package, folder: Path) -> Path:
    """Return the package's archive, downloaded by npm; raises ValueError for another digest."""
    done = subprocess.run(
        ["npm", "pack", f"{package.name}@{package.version}", "--pack-destination", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    archive = folder / done.stdout.split()[-1]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.sha512:
        raise ValueError(f"{package.name} {package.version} has another digest: {digest}")
    return archive


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(f"package/{name}")
    if stream is None:
        raise ValueError(f"{name} is not a file of the package.")
    return _MAP_COMMENT.sub(b"\n", stream.read())


def unpack(package: Package, archive: Path) -> None:
    """Write the kept files and the licence; nothing else leaves the archive."""
    folder = TARGET / package.folder
    folder.mkdir(parents=True)
    with tarfile.open(archive) as opened:
        for source, kept in package.files.items():
            (folder / kept).write_bytes(_member(opened, source))
        text = package.licence.encode()
        if "\n" not in package.licence:
            text = _member(opened, package.licence)
        (folder / "LICENSE").write_bytes(text)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        archives = [(package, fetch(package, Path(folder))) for package in PACKAGES]
        shutil.rmtree(TARGET, ignore_errors=True)
        for package, archive in archives:
            unpack(package, archive)
    sys.stdout.write(f"{len(PACKAGES)} packages in {TARGET}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
