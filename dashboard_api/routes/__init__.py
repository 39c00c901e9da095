"""The routes, a module per subject: each asks a store and shapes the answer."""
