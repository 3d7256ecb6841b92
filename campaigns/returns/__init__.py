"""What comes back: bounces, complaints, automatic answers, replies; by mail and by webhook."""
