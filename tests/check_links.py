"""Checks that every local link and picture in the documents leads somewhere: a file of the tree, a heading, or code.

A link whose text is a name in backticks and whose target is a source file, such as [`Dense::backward`](dense.cpp) or
[`Suite.Test`](dense_test.cpp), must name something that file defines.

usage: check_links.py [ROOT]       exits 1 and names every link that leads nowhere
"""

import functools
import pathlib
import re
import sys

SKIPPED_FOLDERS = {"build", "runs", "node_modules", ".git"}
LINK = re.compile(r"\[([^\]\[]*)\]\(([^)\s]+)\)|<img[^>]*src=\"([^\"]+)\"")


def anchor(heading):
    """A heading's anchor as GitHub makes it."""
    text = re.sub(r"[`*_]|\[|\]\([^)]*\)", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(file):
    return {anchor(line.lstrip("#")) for line in file.read_text().splitlines() if re.match(r"#+ ", line)}


@functools.cache
def code(file):
    """A source file without its comments: what they mention is not defined there."""
    text = file.read_text()
    if file.suffix == ".py":
        return re.sub(r"(?m)^\s*#.*$", "", text)
    return re.sub(r"//[^\n]*", "", text)


def defines(file, name):
    """Whether a C++ or Python file defines a function, type, constant or test of this name."""
    text = code(file)
    plain = re.escape(name)
    if file.suffix == ".py":
        return bool(re.search(rf"(?m)^\s*(def|class) {plain}\b|^{plain} *=", text))
    if "." in name:  # a test: Suite.Name
        suite, test = map(re.escape, name.split(".", 1))
        return bool(re.search(rf"\bTEST(_[FP])?\({suite},\s*{test}\)", text))
    kinds = "struct|class|enum|enum class|using|concept"
    if re.search(rf"(?m)^({kinds}) {plain}\b|^(inline |static )*constexpr .*\b{plain}\b.* =", text):
        return True
    if re.search(rf"(?m)^#define {plain}\b|^MUDRA_KERNEL\({plain},", text):  # a macro; what a macro defines
        return True
    # A function's definition begins its line, and its head ends in a brace; headers may only declare.
    end = r"[{;]" if file.suffix == ".h" else r"\{"
    if re.search(rf"(?m)^[\w\[].*?(?<![\w:]){plain}\([^;{{]*?{end}", text):
        return True
    if "::" in name:  # a member, within the body of its type
        owner, member = map(re.escape, name.rsplit("::", 1))
        body = re.search(rf"(?ms)^(struct|class) {owner}\b[^;]*?\{{(.*?)^\}};", text)
        return bool(body and re.search(rf"\b{member}\b", body[2]))
    return False


def problem(file, label, link):
    path, _, part = link.partition("#")
    target = file.parent / path if path else file
    line_mark = re.fullmatch(r"L\d+(-L\d+)?", part)
    name = re.fullmatch(r"`([^`]+)`", label or "")
    if not target.exists():
        return f"{link} does not exist"
    if part and not line_mark and target.suffix == ".md" and part not in anchors(target):
        return f"{link} is no heading"
    if name and target.suffix in (".cpp", ".h", ".py") and not path.endswith(name[1]) and not defines(target, name[1]):
        return f"{link} does not define {name[1]}"
    return None


def broken(root):
    for file in sorted(root.rglob("*.md")):
        if SKIPPED_FOLDERS & set(file.relative_to(root).parts):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for label, link, picture in LINK.findall(line):
                link = link or picture
                if re.match(r"[a-z]+:", link):
                    continue
                if what := problem(file, label, link):
                    yield f"{file.relative_to(root)}:{number}: {what}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    lines = list(broken(root))
    print("\n".join(lines) or "every local link leads somewhere")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
