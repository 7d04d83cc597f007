"""The ground floor: what every other room stands on, and which stands on none of them."""
