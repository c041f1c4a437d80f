"""From a study to a finished store: the plan, and the build that runs every stage.

`prepare` does what all checkpoints need; `checkpoint` is the unit of work; an engine,
`local` or `ray`, calls it for every checkpoint; `build` puts the three together.
Engines and workers meet only at the store: leases say who builds what, failures what
could not be built.
"""
