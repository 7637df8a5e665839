"""What is safe to mend on a host, as data: observations and findings in, changes out. Nothing here changes anything."""
