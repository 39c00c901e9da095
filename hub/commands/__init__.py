"""The subcommands of `hub`, one module a topic."""
