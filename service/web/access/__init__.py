"""Who may ask for what: keys, roles, tokens, rates."""
