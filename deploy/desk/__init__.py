"""The desk: the whole product on one machine, under one supervisor."""
