"""Other systems are told of events by signed calls: https://www.standardwebhooks.com."""
