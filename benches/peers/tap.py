"""tap-dixa for one window of conversations from a server of ours: it knows no other address than Dixa's, and no end of time."""

import datetime
import sys

import requests
import singer

_, server, start, end = sys.argv
ask = requests.Session.request


def ask_here(session, method, url, **options):
    return ask(session, method, url.replace("https://exports.dixa.io", server), **options)


requests.Session.request = ask_here
singer.utils.now = lambda: datetime.datetime.fromisoformat(f"{end}T00:00:00+00:00")

from tap_dixa.discover import discover  # noqa: E402
from tap_dixa.sync import sync  # noqa: E402

catalog = discover({})
for stream in catalog.streams:
    if stream.tap_stream_id == "conversations":
        stream.metadata[0]["metadata"]["selected"] = True
sync({"api_token": "t", "start_date": f"{start}T00:00:00Z", "interval": "MONTH"}, {}, catalog)
