"""The page about one job: its curves as PNG by matplotlib, its data, its comparison, in one HTML file.

Comes in: a job and its events. Goes out: the page. It is made by a child (`python -m corral.tune.report`, a
`Job` as one JSON line and the path of its folder in, HTML out), for the libraries are large.
"""
