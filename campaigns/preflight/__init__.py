"""What is looked at before a launch: the words, the links, the sending domain, the spam score."""
