"""Helpers of the tests: plain references, planted faults, servers, terminals."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
DATA = TESTS / "data"
"""Stores of earlier versions, the tiny study, faults to plant."""
ROOT = TESTS.parent
"""The checkout."""
