"""A line that takes its time: what comes in at one end leaves at the other half a trip later.

`python -m benchmarks.slow_line PORT TO_PORT TRIP_MILLISECONDS`. Nothing is held up by what came
before it, as on a real line: pipelined commands travel together.
"""

import asyncio
import sys
from collections.abc import Callable


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()

    def later(act: Callable[[], None]) -> None:
        loop.call_later(seconds, lambda: None if writer.is_closing() else act())

    while data := await reader.read(65536):
        later(lambda data=data: writer.write(data))  # type: ignore[misc]
    later(writer.close)


async def _serve(port: int, to_port: int, seconds: float) -> None:
    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to_port)
        await asyncio.gather(_pump(reader, back, seconds), _pump(there, writer, seconds))

    server = await asyncio.start_server(line, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 2000))
