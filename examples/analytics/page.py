"""Writes analytics.html, one page with a chart for each answer, from the models that `dbt build` made.

Needs nothing but dbt's own packages. It takes what it shows from target/manifest.json, and the rows from where dbt put
them: analytics.duckdb (or ANALYTICS_DUCKDB), or PostgreSQL at POSTGRES_HOST, as for dbt.
    python page.py
The page loads nothing from anywhere, so it can be sent or put on any web server. It shows email addresses of agents.
"""

import json
import os
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from html import escape
from itertools import count, pairwise
from pathlib import Path
from string import Template

WIDTH, MOST_BARS, MOST_ROWS = 340, 12, 400
COLOURS = 6
IDS = count(1)


def main():
    manifest = json.loads(Path(os.environ.get("DBT_TARGET_PATH", "target"), "manifest.json").read_text())
    query = connect(manifest["metadata"]["adapter_type"])
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    cards = "".join(card(nodes[name], query, chart) for name, chart in CHARTS.items())
    [[first, end, conversations]] = query(
        f"SELECT min(created_at), max(updated_at), count(*) FROM {nodes['conversations']['relation_name']}"
    )[1]
    about = f"{conversations:,} conversations from {first:%Y-%m-%d} to {end:%Y-%m-%d %H:%M} UTC"
    template = Template(Path(__file__).with_name("page.html").read_text())
    Path("analytics.html").write_text(template.substitute(about=about, cards=cards), encoding="utf-8")
    print("analytics.html")


def connect(adapter):
    """A function that returns the names and the rows of a query."""
    if adapter == "duckdb":
        import duckdb

        file = os.environ.get("ANALYTICS_DUCKDB", "analytics.duckdb")
        # The models' database has the name of the file.
        cursor = duckdb.connect(file, read_only=True).cursor()
    else:
        import psycopg2

        names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DATABASE"}
        settings = {
            key: os.environ[f"POSTGRES_{name}"] for key, name in names.items() if f"POSTGRES_{name}" in os.environ
        }
        cursor = psycopg2.connect(**settings).cursor()

    def query(sql):
        cursor.execute(sql)
        return [column[0] for column in cursor.description], cursor.fetchall()

    return query


def card(node, query, chart):
    """A question with its chart, what to watch out for, its rows and its SQL."""
    meta = node["config"]["meta"]
    columns, rows = query(f"SELECT * FROM {node['relation_name']}")
    rows.sort(key=lambda row: [(value is None, value) for value in row[: len(row) - 1]])
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    drawing = chart(records, meta["shows"]) if records else "<p class='none'>There are no rows.</p>"
    return CARD.format(
        name=node["name"],
        question=escape(meta["question"]),
        shows=escape(meta["shows"]),
        drawing=drawing,
        watch_out=escape(meta["watch_out"]),
        number=several(len(rows), "row"),
        table=table(
            columns, rows, meta["question"], {name: each["description"] for name, each in node["columns"].items()}
        ),
        sql=escape(node["compiled_code"].strip()),
    )


def table(columns, rows, caption, meanings):
    head = "".join(f'<th scope="col" title="{escape(meanings.get(name, ""))}">{escape(name)}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f'<td class="{kind(value)}">{escape(shown(value))}</td>' for value in row) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    rest = f"<p>The first {MOST_ROWS} rows.</p>" if len(rows) > MOST_ROWS else ""
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"
    )


def kind(value):
    return "text" if value is None or isinstance(value, str | date) else "number"


def shown(value):
    if value is None:
        return "–"
    return value if isinstance(value, str) else str(value) if isinstance(value, date) else f"{value:,}"


# ---- charts


def bars(label, value, unit="", note=None, most=None, order=None):
    """A chart with a bar for each row, the greatest `order` first; its length is `value`."""

    def draw(rows, title):
        rows = sorted(rows, key=lambda row: (row[value] is None, -float(row[order or value] or 0), shown(row[label])))
        longest = float(most or max(row[value] or 0 for row in rows)) or 1
        texts = ["none" if row[value] is None else f"{row[value]:,}{unit}" for row in rows[:MOST_BARS]]
        room = WIDTH - max(80, 9 * max(map(len, texts), default=0))
        parts = []
        for number, (row, said) in enumerate(zip(rows, texts, strict=False)):
            y, found = number * 40, row[value]
            length = 0 if found is None else max(1, room * float(found) / longest)
            aside = note(row) if note else ""
            parts.append(
                f'<text x="0" y="{y + 13}">{escape(short(shown(row[label]), 44 - len(aside)))}</text>'
                f'<text class="axis" text-anchor="end" x="{WIDTH}" y="{y + 13}">{escape(aside)}</text>'
                f'<rect class="c0" x="0" y="{y + 18}" width="{length:.1f}" height="13" rx="2"/>'
                f'<text class="value" x="{length + 5:.1f}" y="{y + 29}">{escape(said)}</text>'
            )
        rest = len(rows) - MOST_BARS
        more = f"<p class='more'>The other {rest} are in the table.</p>" if rest > 0 else ""
        return svg(title, "".join(parts), len(rows[:MOST_BARS]) * 40) + more

    return draw


def over_time(time, value, group=None):
    """A chart with a column for each day or week, with a colour for each group. Long histories are by week or month."""

    def draw(rows, title):
        totals, columns = Counter(), defaultdict(Counter)
        step = coarser(rows, time)
        for row in rows:
            name = (row[group] or "(none)") if group else ""
            totals[name] += row[value]
            columns[step(row[time])][name] += row[value]
        names = [name for name, _ in totals.most_common(COLOURS - 1 if len(totals) > COLOURS else COLOURS)]
        others = "others" if len(totals) > len(names) else None
        times = filled(sorted(columns), rows, time)
        highest = max(sum(column.values()) for column in columns.values()) or 1
        plot = Plot(times, highest)
        for at in times:
            column, base = columns[at], 0
            for number, name in enumerate([*names, others] if others else names):
                known = column[name] if name != others else sum(column.values()) - sum(column[each] for each in names)
                if known:
                    hint = f"{at}{': ' if not name else ', ' + name + ': '}{known:,}"
                    plot.column(at, base, base + known, f"c{number}", hint)
                base += known
        legend = [*names, others] if others else names
        return svg(title, plot.drawn(), plot.height) + (key(legend) if group else "")

    return draw


def line(time, value):
    """A chart with a line over all days."""

    def draw(rows, title):
        plot = Plot([row[time] for row in rows], max(row[value] for row in rows) or 1)
        points = " ".join(f"{plot.x(row[time]):.1f},{plot.y(row[value]):.1f}" for row in rows)
        plot.parts.append(f'<polyline class="line" points="{points}"/>')
        last = rows[-1]
        plot.parts.append(
            f'<circle class="c0" cx="{plot.x(last[time]):.1f}" cy="{plot.y(last[value]):.1f}" r="3.5"/>'
            f'<text class="value" text-anchor="end" x="{WIDTH - 4}" '
            f'y="{max(12, plot.y(last[value]) - 9):.1f}">{last[value]:,}</text>'
        )
        return svg(title, plot.drawn(), plot.height)

    return draw


class Plot:
    """Axes for times and numbers from 0."""

    def __init__(self, times, highest):
        self.times, self.height, self.parts = times, 190, []
        self.left, self.right, self.top, self.bottom = 42, WIDTH - 8, 16, 164
        self.step = nice(float(highest) / 3)
        self.highest = max(self.step, -(-float(highest) // self.step) * self.step)
        self.places = {at: place for place, at in enumerate(times)}
        self.room = (self.right - self.left) / len(times)

    def x(self, at):
        return self.left + (self.places[at] + 0.5) * self.room

    def y(self, value):
        return self.bottom - (self.bottom - self.top) * float(value) / self.highest

    def column(self, at, low, high, colour, hint):
        wide = max(0.5, self.room * 0.78)
        self.parts.append(
            f'<rect class="{colour}" x="{self.x(at) - wide / 2:.1f}" y="{self.y(high):.1f}" width="{wide:.1f}" '
            f'height="{self.y(low) - self.y(high):.1f}"><title>{escape(hint)}</title></rect>'
        )

    def drawn(self):
        axes = []
        for number in range(round(self.highest / self.step) + 1):
            value, y = number * self.step, self.y(number * self.step)
            axes.append(
                f'<line class="grid" x1="{self.left}" x2="{self.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="axis" text-anchor="end" x="{self.left - 5}" y="{y + 4:.1f}">{value:,.0f}</text>'
            )
        last = len(self.times) - 1
        few = dict.fromkeys(range(last + 1), "middle")
        ends = few if last < 3 else {0: "start", last // 2: "middle", last: "end"}
        for place, anchor in ends.items():
            x = {"start": self.left, "end": self.right}.get(anchor, self.x(self.times[place]))
            axes.append(f'<text class="axis" text-anchor="{anchor}" x="{x:.1f}" y="182">{self.times[place]}</text>')
        return "".join([*axes, *self.parts])


def nice(number):
    """The next of 1, 2, 5, 10, 20, 50, …"""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= number:
                return digit * power
        power *= 10


def coarser(rows, time):
    """Days, or if they would be too many: weeks, then months."""
    distinct = len({row[time] for row in rows})
    if distinct <= 120:
        return lambda at: at
    return (lambda at: at - timedelta(at.weekday())) if distinct <= 1000 else (lambda at: at.replace(day=1))


def filled(times, rows, time):
    """With the days or weeks between, on which there was nothing."""
    gaps = [(later - earlier).days for earlier, later in pairwise(times)]
    if not gaps or min(gaps) > 7:
        return times
    step = 7 if all(gap % 7 == 0 for gap in gaps) and len(gaps) > 1 else min(gaps)
    return [times[0] + timedelta(day) for day in range(0, (times[-1] - times[0]).days + 1, step)]


def svg(title, inside, height):
    name = f"chart{next(IDS)}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}">'
        f'<title id="{name}">{escape(title)}</title>{inside}</svg>'
    )


def key(names):
    return (
        "<ul class='key'>" + "".join(f'<li class="k{n}">{escape(name)}</li>' for n, name in enumerate(names)) + "</ul>"
    )


def several(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short(text, most):
    return text if len(text) <= most else text[: most - 1] + "…"


def by_agent(chart, gather):
    """A chart of what the weeks of each agent make together."""

    def draw(rows, title):
        agents = defaultdict(list)
        for row in rows:
            agents[row["agent_email"]].append(row)
        return chart([{"agent": agent, **gather(weeks)} for agent, weeks in agents.items()], title)

    return draw


def score(weeks):
    ratings = sum(week["ratings"] for week in weeks)
    total = sum(week["average_score"] * week["ratings"] for week in weeks)
    return {"ratings": ratings, "score": round(total / ratings, 2)}


def counted(part, whole, what=""):
    return lambda row: f"{row[part]:,} of {row[whole]:,}{what}"


def writing(weeks):
    return {"messages": sum(week["messages"] for week in weeks), "weeks": len(weeks)}


CHARTS = {
    "first_response": bars("queue", "median_minutes", " min", counted("answered", "conversations", " answered")),
    "queue_sla": bars("queue", "percent", " %", counted("within", "conversations"), most=100),
    "backlog_daily": line("day", "open"),
    "volume": over_time("day", "conversations", "channel"),
    "csat": by_agent(bars("agent", "score", "", lambda row: several(row["ratings"], "rating"), order="ratings"), score),
    "reopenings": over_time("week", "reopenings", "queue"),
    "messages_per_conversation": bars(
        "channel", "average", "", lambda row: f"in {row['conversations']:,} conversations"
    ),
    "agent_week": by_agent(bars("agent", "messages", "", lambda row: f"in {several(row['weeks'], 'week')}"), writing),
}

CARD = """
<section aria-labelledby="{name}">
<h2 id="{name}">{question}</h2>
<p>{shows}</p>
{drawing}
<p class="watch"><strong>Watch out:</strong> {watch_out}</p>
<details><summary>Table ({number})</summary>
<div class="wide" tabindex="0" role="region" aria-label="Table: {question}">{table}</div></details>
<details><summary>SQL</summary><pre class="wide" tabindex="0">{sql}</pre></details>
</section>"""

if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as missing:
        sys.exit(f"page.py: {missing.filename} is missing. Run `dbt build` in this folder first.")
