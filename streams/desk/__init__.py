"""The desk of alerts: how they stand, their steps, silences and rules, read from the topics; and words on them, sent."""
