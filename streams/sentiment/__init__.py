"""How a customer's text feels: the scorer's interface, how words are scored, and the lexicon that is shipped."""
