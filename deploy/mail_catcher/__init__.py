"""The desk's mail catcher: accepts every mail, delivers none, and shows them on a page.

For one machine: it listens on 127.0.0.1 only. It knows nothing of the product: no settings, no
database, no key. What it gets is what a recipient would get.
"""
