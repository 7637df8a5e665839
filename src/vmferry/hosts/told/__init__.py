"""What the shell on a host tells of it, as facts: pure readers, one for each part of `look`."""
