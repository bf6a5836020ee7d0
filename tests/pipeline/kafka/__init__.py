"""tests.pipeline.kafka"""
