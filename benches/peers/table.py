"""The figures of one run as a Markdown table, each search beside Edgewise's."""

import json
import sys

COLUMNS = [
    ("insert_per_second", "insert rows/s", "{:,.0f}"),
    ("indexed_per_second", "indexed rows/s", "{:,.0f}"),
    ("disk_mb", "disk MB", "{:,.0f}"),
    ("open_ms", "open + first ms", "{:,.1f}"),
    ("p50_ms", "p50 ms", "{:.3f}"),
    ("p95_ms", "p95 ms", "{:.3f}"),
    ("recall", "recall@10", "{:.3f}"),
    ("filtered_10_p50_ms", "10 % p50", "{:.3f}"),
    ("filtered_10_recall", "recall", "{:.3f}"),
    ("filtered_1_p50_ms", "1 % p50", "{:.3f}"),
    ("filtered_1_recall", "recall", "{:.3f}"),
    ("replace_ms", "replace 100 ms", "{:,.1f}"),
    ("append_per_second", "append rows/s", "{:,.0f}"),
    ("memory_mb", "memory MB", "{:,.0f}"),
    ("queries", "queries", "{:,.0f}"),
]


def main(path, rows, kind, load):
    with open(path) as lines:
        systems = [json.loads(line) for line in lines if line.startswith("{")]
    own = next((system for system in systems if system["system"] == "Edgewise"), None)
    print(f"\n{int(rows):,} rows of 768, {kind}; one core; {load}\n")
    print("| system |", " | ".join(title for _, title, _ in COLUMNS), "| p50 / Edgewise |")
    print("|---|" + "---|" * (len(COLUMNS) + 1))
    for system in systems:
        cells = [shape.format(system[key]) if key in system else "–" for key, _, shape in COLUMNS]
        ratio = f"{system['p50_ms'] / own['p50_ms']:,.2f}" if own else "–"
        print(f"| {system['system']} |", " | ".join(cells), f"| {ratio} |")


if __name__ == "__main__":
    main(*sys.argv[1:5])
