"""Checks that data flow downwards: a folder includes itself, what its arrow names, and theirs.

usage: include_rule.py ROOT        ROOT holds the folder mudra; exits 1 and names every line that breaks the rule
"""

import pathlib
import re
import sys

ARROWS = {
    "core": [],
    "simd": ["core"],
    "data": ["core"],
    "synth": ["data"],
    "features": ["data"],
    "hands": ["data"],
    "layers": ["simd"],
    "network": ["layers"],
    "inference": ["network", "features", "hands"],
    "box": ["inference"],
    "training": ["inference"],
    "evaluation": ["inference"],
    "experiment": ["training", "evaluation", "synth", "box"],
    "tuning": ["experiment"],
    "report": ["tuning"],
    "export": ["network"],
    "run": ["report"],
    "studio": ["run"],
    "learn": ["experiment"],
    "serve": ["studio", "learn", "export"],
    "cli": ["serve"],
    "python": ["run", "export"],
}


def reachable(folder):
    found = {folder}
    for below in ARROWS[folder]:
        found |= reachable(below)
    return found


def broken(root):
    files = [(file, file.relative_to(root / "mudra")) for file in (root / "mudra").rglob("*")]
    files += [(file, file.relative_to(root)) for file in (root / "python" / "src").rglob("*")]
    for file, path in sorted(files):
        if file.suffix not in (".h", ".cpp"):
            continue
        if path.name == path.parts[0] == "mudra.h":  # includes all, and nothing includes it
            continue
        folder = path.parts[0]
        if folder not in ARROWS:
            yield f"{path}: `{folder}` is no folder of the design"
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            include = re.match(r'\s*#\s*include\s+"mudra/([^/"]+)/', line)
            if include and include[1] not in reachable(folder):
                yield f"{path}:{number}: `{folder}` may not include `{include[1]}`"


def main():
    lines = list(broken(pathlib.Path(sys.argv[1])))
    print("\n".join(lines) or "every include follows the folders' arrows")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
