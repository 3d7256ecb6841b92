"""The filesystem broker under a reader that is quicker than the writer."""

import threading
from pathlib import Path
from queue import Empty
from typing import Any

from kombu import Connection

from deploy import broker


def test_a_quick_reader_never_sees_half_a_message(tmp_path: Path) -> None:
    folder = str(tmp_path)
    options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
    found: list[dict[str, object]] = []
    wanted = 300

    def write() -> None:
        with Connection("filesystem://localhost", transport_options=options) as connection:
            channel: Any = connection.channel()
            for number in range(wanted):
                channel._put("bells", {"number": number, "filler": "x" * 5000})

    with Connection("filesystem://localhost", transport_options=options) as connection:
        channel: Any = connection.channel()
        assert isinstance(channel, broker.Channel)
        writer = threading.Thread(target=write)
        writer.start()
        while len(found) < wanted:
            try:
                found.append(channel._get("bells"))
            except Empty:
                assert writer.is_alive() or len(list(tmp_path.glob("*.msg")))
        writer.join()
    assert {one["number"] for one in found} == set(range(wanted))
