"""The public side of forms. It seals what it is given and can read nothing back."""
