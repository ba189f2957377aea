"""The scheduler under a thousand users, in virtual time: `python -m bench.sim`.

What decides is the product's own code: requests lease from a real `Scheduler`, whose queue, plans, placement,
reuse, keep-alive and eviction are those of the server, and get the slot that `cache` chooses. Made up are
the users (`trace`), the devices, and how long loads and answers take (`hardware`). `rules` holds other ways
to evict, `routes` ways to choose a server; `run` is one simulation, `figures` what is read off it.
"""
