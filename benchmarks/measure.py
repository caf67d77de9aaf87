"""What benchmarks/run runs; see there."""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile

import harness
import report
import rows
from harness import ROOT


def parse():
    names = [row.name for row in rows.ROWS]
    parser = argparse.ArgumentParser(
        prog="benchmarks/run", description="Measures Berth beside docker-registry and nginx; see benchmarks/README.md."
    )
    parser.add_argument("row", nargs="*", help=f"rows, by name; else all of them: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="one round and small sizes: whether it works")
    parser.add_argument("--large", action="store_true", help="also what takes minutes to fill")
    parser.add_argument("--rounds", type=int, default=5, help="at least 5")
    parser.add_argument("--write", action="store_true", help="write the table and the plot into docs/ and README.md")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="every single value, for programs")
    parser.add_argument("--against", metavar="PROGRAM", help="another build of Berth, measured beside this one")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable for Berth, such as BERTH_LOG_LEVEL=warning",
    )
    parser.add_argument("--folder", help="where the servers store; has to be on a disk")
    parser.add_argument(
        "--berth", metavar="PROGRAM", default=ROOT / ".build/release/berth", help="measure this program, and build none"
    )
    parser.add_argument("--driver", default=ROOT / ".build/benchmarks/driver", help=argparse.SUPPRESS)
    parser.add_argument("--sink", default=ROOT / ".build/benchmarks/sink", help=argparse.SUPPRESS)
    parser.add_argument("--executable", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.row) - set(names)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if arguments.write and (arguments.quick or arguments.row or arguments.against or arguments.set):
        parser.error("only a whole run, with no options but --large and --rounds, is written into the documents")
    return arguments


def chosen(arguments):
    if arguments.row:
        return [row for row in rows.ROWS if row.name in arguments.row]
    return [row for row in rows.ROWS if arguments.large or row is not rows.LargePage]


def main():
    arguments = parse()
    harness.require_program(arguments.berth)
    harness.allow_open_files()
    folder = tempfile.mkdtemp(prefix="berth-benchmark-", dir=arguments.folder)
    measured = []
    try:
        setting = rows.Setting(arguments, folder, arguments.driver)
        for kind in chosen(arguments):
            if kind is rows.Upload and not arguments.executable:
                continue
            print(f"{kind.name}…", file=sys.stderr)
            row = kind(setting)
            row.run()
            measured.append(row)
            print(report.lines(row), file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.table(measured))
    if arguments.json:
        arguments.json.write_text(json.dumps({row.name: row.results for row in measured}, indent=1) + "\n")
    if arguments.write:
        report.write(measured)


if __name__ == "__main__":
    main()
