"""A model folder written from a CSV file: python -m train.new_model."""
