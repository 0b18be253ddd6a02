"""The product pipeline measured end to end: ``python -m tests.bench.product MODE [options]``.

``load`` makes events and counts what must come out, ``fill`` makes the state of many customers, ``rig`` starts workers
and measures them, ``exact`` compares what came out, ``run`` is one measured run; each mode is a row of such runs.
"""
