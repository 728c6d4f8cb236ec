"""Types that decode and check a request at once, and the reasons for a refusal."""
