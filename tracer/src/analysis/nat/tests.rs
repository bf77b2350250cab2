//! Placeholder until there are tests.
