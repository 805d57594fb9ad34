"""The verdict: a pure function of plan, records and episodes."""
