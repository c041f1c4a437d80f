"""The suites keep their conventions; their faults are in test_promises.py."""

import re

from bisae.assets import asset_dir
from bisae.query import read_views
from bisae.validate import read_suite

SUITES = [read_suite(file) for file in sorted(asset_dir("validations").glob("*.json"))]
PROMISES = [promise for suite in SUITES for promise in suite.promises]


def test_suites_keep_their_conventions() -> None:
    assert len({one.name for one in PROMISES}) == len(PROMISES)
    for suite in SUITES:
        assert suite.file.stem == suite.view
        for promise in suite.promises:
            assert promise.why.endswith("."), promise.name
            assert promise.guards, promise.name


def test_every_check_is_used_once() -> None:
    """By a suite, or as a part of other checks."""
    text = "".join(suite.file.read_text() for suite in SUITES)
    used = re.findall(r'"from (\w+) order by all"', text)
    checks = read_views("checks")
    parts = {name for view in checks.values() for name in view.reads}
    assert len(used) == len(set(used))
    assert set(used) | parts >= checks.keys()
    assert not set(used) & parts
