"""Design system Kuura and the page frame: tokens, components, elements, templates. No models."""
