"""How a customer's text feels: the scorer's interface, the model that is shipped, and how its language is found."""
