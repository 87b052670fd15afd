"""How the course is built and verified: notebooks from text, seals, re-runs, exercises. Learners never need it."""
