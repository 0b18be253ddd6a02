"""How a company serves whom: lines for tiers, routes for service types, what it costs and is worth. Pure."""
