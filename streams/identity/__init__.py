"""Who somebody is: identifiers, and the owner of a contact. Pure."""
