"""The feature browser: pages of a store, served to this machine or written as files."""

from bisae.browser.export import export_site
from bisae.browser.server import serve

__all__ = ["export_site", "serve"]
