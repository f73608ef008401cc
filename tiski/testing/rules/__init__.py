"""The rules of the code as functions from a source file to what is wrong in it; tests/architecture applies them."""
