"""Measures what Corral adds to the engine, beside a bare engine child and any other server of the same API.

`python -m bench` makes its models (`models`), starts what it compares (`servers`), asks each in turn
(`measure`, over the raw sockets of `streams`) and prints a table (`report`). Every figure has its
counterparts from the same run, so a slow or busy machine changes both sides.
"""
