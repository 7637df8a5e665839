"""One migration as pure decisions over what was observed. No host is touched here."""
