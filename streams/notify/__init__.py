"""Alerts out to people: what `contact-streams notify` reads, decides and delivers; a process of its own."""
