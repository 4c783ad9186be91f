import include_rule

import pathlib


def test_the_tree_follows_the_rule():
    assert list(include_rule.broken(pathlib.Path(__file__).parent.parent)) == []


def test_python_may_not_ask_the_server(tmp_path):
    folder = tmp_path / "python" / "src"
    folder.mkdir(parents=True)
    (folder / "module.cpp").write_text('#include "mudra/tuning/tune.h"\n#include "mudra/serve/server.h"\n')
    assert list(include_rule.broken(tmp_path)) == ["python/src/module.cpp:2: `python` may not include `serve`"]


def test_an_upward_include_is_named(tmp_path):
    folder = tmp_path / "mudra" / "layers"
    folder.mkdir(parents=True)
    (folder / "relu.h").write_text('#include "mudra/simd/panels.h"\n#include "mudra/network/network.h"\n')
    assert list(include_rule.broken(tmp_path)) == ["layers/relu.h:2: `layers` may not include `network`"]
