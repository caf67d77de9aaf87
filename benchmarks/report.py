"""The table and the plot of benchmarks/run, and how they get into the documents."""

import datetime
import math
import os
import pathlib
import platform
import re
import statistics
import subprocess

import plot
from harness import ROOT

UNITS = {"us": "µs", "ms": "ms", "s": "s", "MB": "MB", "1/s": "/s"}


def middle(values):
    return statistics.median(values) if values else None


def shown(value, unit):
    """With three digits, and no more than two behind the point."""
    if value is None:
        return ""
    digits = max(0, min(2, 2 - math.floor(math.log10(value)))) if value > 0 else 0
    return f"{value:,.{digits}f} {UNITS[unit]}".replace(" /", "/")


def times(value):
    return "" if value is None else f"{value:.2g} ×" if value < 10 else f"{value:,.0f} ×"


def quotient(one, other):
    return None if one is None or not other else one / other


def limit_of(row, key):
    results = row.results[key]
    return middle(results.get("limit") or results.get("nginx"))


def goal(figure):
    parts = [f"{figure.goal:g} {UNITS[figure.unit]}"] if figure.goal else []
    if figure.times_limit:
        parts.append(f"{figure.times_limit:g} × {figure.limit}")
    if figure.times_peer:
        parts.append(f"{figure.times_peer:g} × docker-registry")
    return ", ".join(parts)


def lines(row):
    """Everything there is of a row, for who waits."""
    text = []
    for key, figure in row.figures.items():
        for column, values in row.results[key].items():
            text.append(
                f"  {figure.title}: {column} {shown(middle(values), figure.unit)}"
                f" ({shown(min(values), figure.unit)} to {shown(max(values), figure.unit)}, {len(values)} rounds)"
            )
    shares = {}
    for name, share in row.driver_shares:
        shares.setdefault(name, []).append(share)
    for name, values in shares.items():
        text.append(f"  the driver took {middle(values):.0%} of a core with {name}")
    return "\n".join(text)


def spread(values):
    """From the lowest to the highest, as parts of the median."""
    return f"{(max(values) - min(values)) / middle(values):.0%}" if len(values or []) > 1 else ""


def table(rows):
    columns = [
        "work",
        "Berth",
        "spread",
        "must reach",
        "limit",
        "Berth / limit",
        "docker-registry",
        "docker-registry / Berth",
    ]
    against = any("before" in values for row in rows for values in row.results.values())
    if against:
        columns += ["before", "before / Berth"]
    text = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for row in rows:
        for key, figure in row.figures.items():
            results = row.results[key]
            berth, peer, limit = (
                middle(results.get("Berth")),
                middle(results.get("docker-registry")),
                limit_of(row, key),
            )
            ratio = quotient(berth, peer) if figure.more_is_better else quotient(peer, berth)
            name = figure.limit if limit else ""
            cells = [
                figure.title,
                shown(berth, figure.unit),
                spread(results.get("Berth")),
                goal(figure),
                f"{shown(limit, figure.unit)} {name}".strip(),
                times(quotient(berth, limit)),
                shown(peer, figure.unit),
                times(ratio),
            ]
            if against:
                before = middle(results.get("before"))
                cells += [shown(before, figure.unit), times(quotient(before, berth))]
            text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text)


def circumstances(rounds=None):
    """When, where and of what the figures are."""
    processor = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    cores = len(os.sched_getaffinity(0))
    return (
        f"{datetime.date.today()}, {processor[1] if processor else platform.machine()}, {cores} cores,"
        f" Linux {platform.release().split('-')[0]}, commit {commit}"
        + (f", medians of {rounds} rounds" if rounds else "")
    )


def replace(document, name, text, command="run"):
    """Puts text between the two marks of that name in a document."""
    begin, end = f"<!-- {name}: written by benchmarks/{command} -->", f"<!-- {name}: end -->"
    content = document.read_text()
    if content.count(begin) != 1 or content.count(end) != 1:
        raise SystemExit(f"{document} has no marks for {name}")
    before, rest = content.split(begin)
    document.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def short_table(rows):
    """What a reader of the README wants to know."""
    text = ["| work | Berth | docker-registry | nginx |", "| --- | --- | --- | --- |"]
    for row in rows:
        key, figure = next(iter(row.figures.items()))
        results = row.results[key]
        if "docker-registry" not in results or row.name == "version":
            continue
        cells = [shown(middle(results.get(column)), figure.unit) for column in ("Berth", "docker-registry", "nginx")]
        text.append(f"| {figure.title} | {' | '.join(cells)} |")
    return "\n".join(text)


PLOT = "![the same figures as multiples of Berth's](performance.svg)"


def write(rows):
    """Puts the table, a short one, and the plot where they are shown."""
    told = circumstances(max(len(values) for values in rows[0].results["cpu"].values()))
    replace(ROOT / "docs/performance.md", "table", f"{table(rows)}\n\n{told}.\n\n{PLOT}")
    replace(ROOT / "README.md", "benchmarks", short_table(rows))
    (ROOT / "docs/performance.svg").write_text(plot.drawing(rows, told))
