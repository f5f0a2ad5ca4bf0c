"""The endpoints, by subject: each is a plain function that `api()` makes a view of."""
