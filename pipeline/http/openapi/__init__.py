"""The OpenAPI document of the query layer."""
