"""Fine-tuning: a model of the store and examples in, a tuned model of the store out.

Comes in: a `Spec` (base, files, options). Goes out: `Event`s, and at last an adapter with its card.
One child a job (`worker`) reads the data, plans, trains and judges; torch is imported there alone, below
`train`. The server's side (jobs, queue, publishing) starts the child, watches it and never does its work.
"""
