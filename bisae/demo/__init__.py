"""The toy study and the parallel build of all its cells."""
