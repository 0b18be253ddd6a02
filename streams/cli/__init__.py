"""The commands, a file each; what they share is in `streams.cli.common`.

A command's file is options and a few calls: the work is done by what it imports. It imports that when it runs, so that
``--help`` is quick.
"""
