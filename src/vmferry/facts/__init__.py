"""What was observed of one host or one guest, as values that can be saved and replayed."""
