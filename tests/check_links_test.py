import pathlib

import check_links
import pytest

SOURCE = """// mentioned() is not defined here
struct Dense {  // one layer
  int width;
  void backward(const Tensor& dy) const;
};
constexpr int shards = 8;
void helper(int);
void Dense::backward(const Tensor& dy,
                     int n) const {
  called(n);
}
#define MUDRA_KERNEL(NAME, FUNCTION) other
MUDRA_KERNEL(product, Product);
TEST_F(Dense, IsRight) {}
"""


def test_every_link_of_the_documents_leads_somewhere():
    assert list(check_links.broken(pathlib.Path(__file__).parent.parent)) == []


def test_a_broken_link_is_named(tmp_path):
    (tmp_path / "a.md").write_text("# One `Two`\n[good](#one-two) [gone](b.md)\n[far](https://example.org)\n[x](#three)\n")
    assert list(check_links.broken(tmp_path)) == ["a.md:2: b.md does not exist", "a.md:4: #three is no heading"]


@pytest.mark.parametrize("name", ["Dense", "Dense::backward", "Dense::width", "shards", "product", "MUDRA_KERNEL", "Dense.IsRight"])
def test_what_a_file_defines_is_found(tmp_path, name):
    (tmp_path / "dense.cpp").write_text(SOURCE)
    (tmp_path / "a.md").write_text(f"[`{name}`](dense.cpp) [`dense.cpp`](dense.cpp) [any words](dense.cpp)\n")
    assert list(check_links.broken(tmp_path)) == []


@pytest.mark.parametrize("name", ["mentioned", "called", "helper", "Dense::forward", "Dense.IsRigh", "shard", "Tensor", "other"])
def test_a_link_to_code_that_is_gone_is_named(tmp_path, name):
    (tmp_path / "dense.cpp").write_text(SOURCE)
    (tmp_path / "a.md").write_text(f"see [`{name}`](dense.cpp#L3)\n")
    assert list(check_links.broken(tmp_path)) == [f"a.md:1: dense.cpp#L3 does not define {name}"]


def test_python_names_are_found(tmp_path):
    (tmp_path / "a.py").write_text("LIMIT = 3\n# def gone(): pass\nclass One:\n    def method(self):\n        other()\n")
    (tmp_path / "a.md").write_text("[`LIMIT`](a.py) [`One`](a.py) [`method`](a.py)\n[`gone`](a.py)\n[`other`](a.py)\n")
    assert list(check_links.broken(tmp_path)) == ["a.md:2: a.py does not define gone", "a.md:3: a.py does not define other"]
