import pathlib

import check_links


def test_every_link_of_the_documents_leads_somewhere():
    assert list(check_links.broken(pathlib.Path(__file__).parent.parent)) == []


def test_a_broken_link_is_named(tmp_path):
    (tmp_path / "a.md").write_text("# One `Two`\n[good](#one-two) [gone](b.md)\n[far](https://example.org)\n[x](#three)\n")
    assert list(check_links.broken(tmp_path)) == ["a.md:2: b.md does not exist", "a.md:4: #three is no heading"]
