"""HTTP routes, one file per noun; each file has a function that makes its router."""
