"""The pages: what people look at in a browser, over the same use cases as the command line."""
