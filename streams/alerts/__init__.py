"""Alerts: episodes that must stand, each published once as firing and once as resolved."""
