"""Envisage, a marketplace whose buyers and sellers talk: README.md, beside this file, shows the way around."""
