"""How well a contact was served, on three sides: the need, the person, and what was expected and promised. Pure."""
