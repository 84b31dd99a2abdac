"""Small subsets of the query languages vendors have. What is not understood is refused, never half obeyed."""
