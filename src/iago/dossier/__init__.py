"""One toxicity, four chapters: composes the steps and renders them as HTML, JSON and CSV."""
