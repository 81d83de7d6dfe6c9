"""The buyers' pages over HTTP: ways in, pages, forms, and who may not see what."""
