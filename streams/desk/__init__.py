"""The desk of alerts: how they stand, their steps, silences and rules, as the topics have them; words on them."""
