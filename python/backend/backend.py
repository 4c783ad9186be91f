"""setuptools as what builds the package, from wherever it is: `pip install .` then needs no network.

pip hides the system's packages from a build and downloads what it asks for. Nothing is asked for where Debian's
setuptools and wheel are installed.
"""

import sys

DEBIAN = "/usr/lib/python3/dist-packages"
sys.path.append(DEBIAN)

try:
    import wheel  # noqa: F401
    from setuptools.build_meta import *  # noqa: F401,F403
    NEEDED = []
except ImportError:  # pip installs them and asks again
    NEEDED = ["setuptools>=61", "wheel"]


def get_requires_for_build_wheel(config_settings=None):
    return NEEDED


def get_requires_for_build_sdist(config_settings=None):
    return NEEDED
