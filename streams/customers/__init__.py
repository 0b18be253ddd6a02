"""What is known at the owner's key: one room for each capability that follows a customer. Pure."""
