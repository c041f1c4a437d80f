"""From a study to a finished store: the plan, and the build that runs every stage."""
