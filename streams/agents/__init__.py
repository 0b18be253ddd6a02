"""The shell around the domain: each agent reads a batch, calls the domain and writes what it returned."""
