"""tests.pipeline"""
