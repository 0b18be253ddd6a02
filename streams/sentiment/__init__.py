"""How a customer's text feels: the scorer's interface and the lexicon that is shipped."""
