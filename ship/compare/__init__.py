"""The model in dist/ beside the published one: verdict, size, speed."""
