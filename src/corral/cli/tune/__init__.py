"""What `corral tune` shows and sends: files, requests, the report on the data, a live line, a chart.

In: an Invocation, and events of a job as they come from the server. Out: text on the terminal. Called by
`commands.tune`.
"""
