"""The engine: networks are laid over an observation, fitted side by side, stopped blindly, and joined."""
