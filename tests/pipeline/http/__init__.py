"""tests.pipeline.http"""
