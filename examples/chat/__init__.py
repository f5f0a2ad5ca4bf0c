"""A chat between people who have the page open: `make demo`. README.md, beside this file, shows the way around."""
