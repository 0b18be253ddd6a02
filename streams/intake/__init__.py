"""What is made of an event at the door: one form, masked texts, no duplicates. Pure."""
