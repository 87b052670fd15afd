"""How the course is made and proven: notebooks from text, seals, re-runs, exercises. Learners never need it."""
