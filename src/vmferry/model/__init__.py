"""What there is: frozen values with units in their names. Imports nothing of vmferry's."""
