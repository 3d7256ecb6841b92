"""Campaigns that anybody may read: pages and feeds of the public side, addressed to nobody."""
