"""One file a command; each has `run(call)`, named in `cli.spec` and imported only when it is called."""
