"""Forecasts by the API of Open-Meteo, or of whoever speaks like it."""
