"""This machine: a broker of one's own, processes, private files, the terminal."""
