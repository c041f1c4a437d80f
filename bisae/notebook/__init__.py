"""Show a store in a notebook or a terminal: its grid, figures and examples."""
