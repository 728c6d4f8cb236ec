"""The main job, stage by stage, and what a workflow does before and after it."""
