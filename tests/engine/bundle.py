"""Packs what a deployment uploads. Standard library only; the same content gives the same bytes.

    python bundle.py FOLDER NAME=SOURCE … [--store]

writes FOLDER/NAME.zip for each: a program lies in it as `bootstrap`, a folder's TOML files as `policy/<file>` (a layer's
place). --store does not compress, which is faster and for this machine only.
"""

import argparse
import zipfile
from pathlib import Path


def bundle(source: Path, out: Path, compress: bool) -> None:
    how = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", how, compresslevel=9) as archive:
        if source.is_dir():
            for file in sorted(source.glob("*.toml")):
                archive.writestr(_entry(f"policy/{file.name}", 0o644, how), file.read_bytes())
        else:
            archive.writestr(_entry("bootstrap", 0o755, how), source.read_bytes())


def _entry(name: str, mode: int, how: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr, entry.compress_type = (0o100000 | mode) << 16, how
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", nargs="+", metavar="NAME=SOURCE")
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for pair in given.sources:
        name, source = pair.split("=", 1)
        bundle(Path(source), given.folder / f"{name}.zip", not given.store)


if __name__ == "__main__":
    main()
