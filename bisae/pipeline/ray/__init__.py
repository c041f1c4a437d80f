"""Build on a Ray cluster: `driver` runs where the command does, `worker` elsewhere.

`cluster` joins the machines and divides them among tasks. The only door to Ray.
"""
