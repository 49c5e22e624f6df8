"""Serves https in front of a local http server, with a certificate that no client trusts by default."""

import asyncio
import ssl
import subprocess
import threading

# A certificate for the server itself, not one that may sign others: those are refused as a server's own.
OPENSSL = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
REQUEST = """
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = simulator
[extensions]
subjectAltName = {names}
basicConstraints = critical, CA:FALSE
"""


class TlsFront:
    """Forwards `url` to the server on `port`, under these host names; a client has to trust the file `certificate`."""

    def __init__(self, directory, port, hosts=()):
        self.port = port
        self.certificate = directory / "certificate.pem"
        key, request = directory / "key.pem", directory / "request.conf"
        request.write_text(REQUEST.format(names=",".join(["IP:127.0.0.1", *(f"DNS:{host}" for host in hosts)])))
        subprocess.run(
            [*OPENSSL, "-config", request, "-keyout", key, "-out", self.certificate],
            check=True,
            capture_output=True,
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)

    def __enter__(self):
        self.loop, self.listens_on = serve(self._forward, self.context)
        self.url = f"https://127.0.0.1:{self.listens_on}"
        return self

    def __exit__(self, *exception):
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _forward(self, reader, writer):
        behind, to_behind = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(copy(reader, to_behind), copy(behind, writer))


class Proxy:
    """A proxy that forwards every CONNECT to one local port; `asked` holds the addresses that clients wanted."""

    def __init__(self, port):
        self.port = port
        self.asked = set()

    def __enter__(self):
        self.loop, listens_on = serve(self._connect)
        self.url = f"http://127.0.0.1:{listens_on}"
        return self

    def __exit__(self, *exception):
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _connect(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.add(head.split()[1].decode())
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        behind, to_behind = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(copy(reader, to_behind), copy(behind, writer))


def serve(connected, context=None):
    """Calls `connected` for every connection, in a thread of its own: its loop, and the port."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    listening = asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result()
    return loop, server.sockets[0].getsockname()[1]


async def copy(reader, writer):
    try:
        while True:
            data = await reader.read(65536)
            if not data:
                break
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side closed the connection, as clients do
    finally:
        writer.close()
