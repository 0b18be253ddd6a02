"""Looking at what a deployment holds: changelogs, rows, workers; and mending what is lost."""
