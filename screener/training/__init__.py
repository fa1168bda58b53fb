"""The science: from radiograph-DXA pairs to a predictor. Never reads the service's database."""
