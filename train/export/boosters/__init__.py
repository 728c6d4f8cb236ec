"""Write boosted trees of XGBoost, LightGBM and CatBoost as ONNX nodes that answer as they do."""
