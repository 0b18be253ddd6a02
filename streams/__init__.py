"""Contact Streams: contact events in, journeys, segments, KPIs and alerts out, exactly once."""
