"""A made-up company to try the product with: Nordelia, a publisher of software for workshops."""
