"""Points for leads by rules: profiling in the sense of GDPR 4(4), see docs/leads.md."""
