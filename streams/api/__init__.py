"""The HTTP API: a reader of topics and a writer of commands, in a process of its own. Needs the extra ``api``."""
