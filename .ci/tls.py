"""https in front of a local http server, under a certificate that nobody trusts unless told to."""

import asyncio
import ssl
import subprocess
import threading

# A certificate for the address itself, not one that may sign others: those are refused as a server's own.
REQUEST = """
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = simulator
[extensions]
subjectAltName = IP:127.0.0.1
basicConstraints = critical, CA:FALSE
"""


class TlsFront:
    """`url` answers like the server on `port`; `certificate` is the file that a client has to trust."""

    def __init__(self, directory, port):
        self.port = port
        self.certificate = directory / "certificate.pem"
        key, request = directory / "key.pem", directory / "request.conf"
        request.write_text(REQUEST)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
            + ["-config", request, "-keyout", key, "-out", self.certificate],
            check=True,
            capture_output=True,
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        listening = asyncio.start_server(self._forward, "127.0.0.1", 0, ssl=self.context)
        server = asyncio.run_coroutine_threadsafe(listening, self.loop).result()
        self.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *exception):
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _forward(self, reader, writer):
        behind, to_behind = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(copy(reader, to_behind), copy(behind, writer))


async def copy(reader, writer):
    try:
        while True:
            data = await reader.read(65536)
            if not data:
                break
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side hung up, as clients do
    finally:
        writer.close()
