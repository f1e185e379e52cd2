"""The wizard that creates guests: its frame, its steps and the fields they are made of."""
