"""The plot of docs/performance.md: what docker-registry and the limit take, as multiples of what Berth takes."""

import html
import math

import report

WIDTH, LEFT, RIGHT, TOP, STEP = 900, 350, 30, 62, 26
COLOURS = {"Berth": "#1f6feb", "docker-registry": "#8c959f", "limit": "#1a7f37", "must reach": "#cf222e"}


def points(rows):
    """By figure: how many times Berth's cost the others' is."""
    found = []
    for row in rows:
        for key, figure in row.figures.items():
            results = row.results[key]
            berth = report.middle(results.get("Berth"))
            if not berth:
                continue
            values = {
                "docker-registry": report.middle(results.get("docker-registry")),
                "limit": report.limit_of(row, key),
                "must reach": figure.goal,
            }
            # Where more is better the cost is the inverse.
            ratios = {
                name: berth / value if figure.more_is_better else value / berth
                for name, value in values.items()
                if value
            }
            if ratios:
                found.append((figure.title.replace("`", ""), ratios))
    return found


def drawing(rows, told):
    found = points(rows)
    every = [1.0] + [ratio for _, ratios in found for ratio in ratios.values()]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    height = TOP + STEP * len(found) + 40

    def place(ratio):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(ratio) - low) / (high - low)

    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f"<title>Cost of the same work, as multiples of Berth's; {html.escape(told)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    legend = LEFT
    for name, colour in COLOURS.items():
        text.append(f'<rect x="{legend}" y="12" width="12" height="12" fill="{colour}"/>')
        text.append(f'<text x="{legend + 18}" y="22">{name}</text>')
        legend += 130
    for power in range(low, high + 1):
        x = place(10.0**power)
        text.append(f'<line x1="{x:.1f}" y1="{TOP - 12}" x2="{x:.1f}" y2="{height - 36}" stroke="#d0d7de"/>')
        text.append(f'<text x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{10.0**power:g} ×</text>')
    for index, (title, ratios) in enumerate(found):
        y = TOP + STEP * index
        text.append(f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{html.escape(title)}</text>')
        if "docker-registry" in ratios:
            ends = sorted([place(1), place(ratios["docker-registry"])])
            text.append(
                f'<rect x="{ends[0]:.1f}" y="{y + 3}" width="{max(1, ends[1] - ends[0]):.1f}" height="12"'
                f' fill="{COLOURS["docker-registry"]}"/>'
            )
        for name in ("limit", "must reach"):
            if name in ratios:
                text.append(
                    f'<rect x="{place(ratios[name]) - 1.5:.1f}" y="{y}" width="3" height="18" fill="{COLOURS[name]}"/>'
                )
        text.append(f'<circle cx="{place(1):.1f}" cy="{y + 9}" r="5" fill="{COLOURS["Berth"]}"/>')
    text.append(f'<text x="10" y="{height - 12}" fill="#57606a">{html.escape(told)}</text>')
    return "\n".join(text + ["</svg>"]) + "\n"
