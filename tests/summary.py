"""Sums JUnit files up: what failed, what was skipped and why, and one line of counts.

usage: summary.py FILE.xml...      exits 1 if anything failed or nothing ran
"""

import sys
import xml.etree.ElementTree as ElementTree


def reason(case, skipped):
    text = skipped.get("message") or ""
    if not text or text.startswith("SKIP_REGULAR"):  # CTest gives only the output
        lines = [line for line in (case.findtext("system-out") or "").splitlines() if line.strip()]
        marks = [i for i, line in enumerate(lines) if line.endswith("Skipped")]
        text = lines[marks[0] + 1] if marks and marks[0] + 1 < len(lines) else text
    return text.strip()


def main(files):
    passed, failed, skipped = 0, [], []
    for file in files:
        for case in ElementTree.parse(file).iter("testcase"):
            name = case.get("name")
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
                failed.append(name)
            elif skip is not None or case.get("status") in ("notrun", "disabled"):
                skipped.append(f"{name}: {reason(case, skip) if skip is not None else 'not run'}")
            else:
                passed += 1
    for title, names in (("failed", failed), ("skipped", skipped)):
        for name in names:
            print(f"{title}: {name}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


sys.exit(main(sys.argv[1:]))
