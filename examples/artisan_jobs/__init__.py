"""Jobs for artisans: clients post them, artisans apply, and both see what happens as it happens."""
