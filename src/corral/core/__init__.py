"""The values that every other room speaks in: names, digests, manifests, models, messages, options, events.

No input or output happens here; everything is a frozen value or a pure function.
"""
