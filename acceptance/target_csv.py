"""Loads every stream of the tap with meltanolabs-target-csv, and counts the rows of its files with Python's csv.

The target begins a file anew in each run, so the name of a file must have the time of its run in it.
"""

import csv
import sys

from acceptance.singer import read_twice, tap

# Articles have texts that are longer than its limit.
csv.field_size_limit(10_000_000)


def count(folder, stream, key):
    found = set()
    for path in folder.glob(f"{stream}@*.csv"):
        with open(path, newline="") as lines:
            found.update(tuple(row[column] for column in key) for row in csv.DictReader(lines))
    return len(found)


def main():
    return read_twice("target-csv", {"file_naming_scheme": "{stream_name}@{timestamp}.csv"}, count, tap)


if __name__ == "__main__":
    sys.exit(main())
