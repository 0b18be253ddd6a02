"""Runs at the start of workers whose topics are changed under them: they look at them every second, not every five, and at
their settings every three, not every thirty. How many looks it takes until they end stays.
"""

from streams.engine import topology

topology.LOOK_SECONDS, topology.SETTINGS_SECONDS = 1.0, 3.0
