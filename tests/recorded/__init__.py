"""State that an earlier version wrote, and what that version went on to say from there."""
