"""`python -m tests.benchmarks`: measure burgee beside others, in one run."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from . import aws, aws_publish, cold, evaluate, incremental, load, log, memory, openfeature, publish, releases, serve
from .measure import Table
from .report import as_json, as_text

BENCHMARKS: dict[str, Callable[[int], list[Table]]] = {
    "evaluate": evaluate.run,
    "load": load.run,
    "memory": memory.run,
    "serve": serve.run,
    "openfeature": openfeature.run,
    "publish": publish.run,
    "incremental": incremental.run,
    "releases": releases.run,
    "log": log.run,
    "cold": cold.run,
    "aws": aws.run,
    "aws-publish": aws_publish.run,
}


def main() -> None:
    """Run the benchmarks that are named, all of them without a name."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender has its turn (default 5)")
    parser.add_argument("--quick", action="store_const", const=2, dest="rounds", help="the same as --rounds 2")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown or arguments.rounds < 1:
        parser.error(f"no benchmark {unknown[0]!r}" if unknown else "--rounds is at least 1")
    tables = []
    for name in arguments.names or BENCHMARKS:
        measured = BENCHMARKS[name](arguments.rounds)
        tables += measured
        if not arguments.json:
            print(f"python -m tests.benchmarks {name} --rounds {arguments.rounds}")
            print("\n\n".join(map(as_text, measured)), end="\n\n", flush=True)
    if arguments.json:
        print(as_json(tables))


if __name__ == "__main__":
    main()
