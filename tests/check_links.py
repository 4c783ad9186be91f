"""Checks that every local link and picture in the documents leads somewhere: a file of the tree, or a heading.

usage: check_links.py [ROOT]       exits 1 and names every link that leads nowhere
"""

import pathlib
import re
import sys

SKIPPED_FOLDERS = {"build", "runs", "node_modules", ".git"}


def anchor(heading):
    """A heading's anchor as GitHub makes it."""
    text = re.sub(r"[`*_]|\[|\]\([^)]*\)", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(file):
    return {anchor(line.lstrip("#")) for line in file.read_text().splitlines() if re.match(r"#+ ", line)}


def broken(root):
    for file in sorted(root.rglob("*.md")):
        if SKIPPED_FOLDERS & set(file.relative_to(root).parts):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for link in re.findall(r"\]\(([^)\s]+)\)|<img[^>]*src=\"([^\"]+)\"", line):
                link = link[0] or link[1]
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, part = link.partition("#")
                target = file.parent / path if path else file
                line_mark = re.fullmatch(r"L\d+(-L\d+)?", part)
                if not target.exists():
                    yield f"{file.relative_to(root)}:{number}: {link} does not exist"
                elif part and not line_mark and target.suffix == ".md" and part not in anchors(target):
                    yield f"{file.relative_to(root)}:{number}: {link} is no heading"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    lines = list(broken(root))
    print("\n".join(lines) or "every local link leads somewhere")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
