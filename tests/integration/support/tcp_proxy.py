# SPDX-License-Identifier: MIT
"""A TCP proxy that misbehaves on demand: resets in the middle of a frame, stalls, black holes."""

import argparse
import asyncio
import socket
import struct
import threading


class TcpProxy:
    """Forwards connections from a port of its own to `target_port` on the loopback interface.

    Runs in a thread; all members may be called from any thread. The target may change at any time;
    it counts for new connections.
    """

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = None
        self._loop = asyncio.new_event_loop()
        self._connections = set()
        self._flowing = None
        self._accepting = True
        self._cut_after = None
        self._delay = 0.0
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self._loop)
        self._flowing = asyncio.Event()
        self._flowing.set()
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()

    async def _serve(self, reader, writer):
        if not self._accepting:
            _reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            _reset(writer)
            return
        connection = (writer, up_writer)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pump(reader, up_writer, connection), self._pump(up_reader, writer, connection, counted=True)
            )
        finally:
            self._connections.discard(connection)
            for side in connection:
                side.close()

    async def _pump(self, reader, writer, connection, counted=False):
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                if counted and self._cut_after is not None:
                    if len(data) > self._cut_after:
                        writer.write(data[: self._cut_after])
                        await writer.drain()
                        self._cut_after = None
                        for side in connection:
                            _reset(side)
                        return
                    self._cut_after -= len(data)
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            for side in connection:
                side.close()

    def _call(self, function):
        done = threading.Event()

        def run():
            function()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(10)

    def reset(self):
        """Resets every connection (RST) and goes on accepting."""

        def run():
            for connection in list(self._connections):
                for side in connection:
                    _reset(side)

        self._call(run)

    def cut_after(self, data_bytes):
        """Resets the connection that has brought so many bytes from the target from now on, be it
        in the middle of a frame."""
        self._call(lambda: setattr(self, "_cut_after", data_bytes))

    def stall(self):
        """Forwards nothing in either direction; connections stay open. A black hole, as seen by
        whoever connects: connections are accepted, and nothing ever answers."""
        self._call(self._flowing.clear)

    def flow(self):
        """Ends a stall."""
        self._call(self._flowing.set)

    def refuse(self):
        """Resets new connections at once."""
        self._call(lambda: setattr(self, "_accepting", False))

    def accept(self):
        """Ends `refuse`."""
        self._call(lambda: setattr(self, "_accepting", True))

    def delay(self, seconds):
        """Delays every piece by so long."""
        self._call(lambda: setattr(self, "_delay", seconds))

    def close(self):
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _reset(writer):
    # Linger of zero seconds makes close() send RST instead of FIN.
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() != -1:  # A peer that was killed has closed it already.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def main():
    """Serves a test executable: prints the port, then takes one command a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target_port", type=int)
    proxy = TcpProxy(parser.parse_args().target_port)
    print(proxy.port, flush=True)
    import sys

    for line in sys.stdin:
        command, *arguments = line.split()
        getattr(proxy, command)(*(float(a) if command == "delay" else int(a) for a in arguments))
        print("ok", flush=True)


if __name__ == "__main__":
    main()
