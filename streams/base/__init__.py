"""What every room speaks of: records between tasks, stream time, times, channels, errors. Pure."""
