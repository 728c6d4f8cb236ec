"""Write the folder of a new model from a CSV file."""
