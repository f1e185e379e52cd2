"""What a person can do: one class an action."""
