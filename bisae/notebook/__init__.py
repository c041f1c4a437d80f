"""What an open store shows in a notebook or a terminal: grid, figures, examples."""
