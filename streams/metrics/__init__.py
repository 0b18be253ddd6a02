"""KPIs: windows over sums over facts, and queues as they are now. Pure."""
