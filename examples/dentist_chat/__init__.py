"""AskDentist: patients and doctors talk, and treatment plans are submitted and accepted."""
